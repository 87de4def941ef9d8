import { parseArgs } from 'node:util'
import { readConfig } from './config'
import { createLocalEndpoint, type LocalEndpoint } from './endpoint'
import { isLoopback } from './http/origin'

const usage = `Usage: vue-ai-transport local [options]

Starts an Ably-compatible endpoint on this machine.

  --port <n>       port to listen on (default 8099, 0 for any)
  --host <addr>    address to bind (default 127.0.0.1)
  --key <key>      key to accept, app.id:secret; may be repeated (default a fixed one, on loopback only)
  --config <file>  keys, namespaces, members and limits of an app, as JSON
  --persist <file> keep channels in this file over restarts
  --origin <url>   browser origin to accept besides loopback; may be repeated
  --help           show this
`

const flags = {
  port: { type: 'string', default: '8099' },
  host: { type: 'string' },
  key: { type: 'string', multiple: true },
  config: { type: 'string' },
  persist: { type: 'string' },
  origin: { type: 'string', multiple: true },
  help: { type: 'boolean', default: false },
} as const

/**
 * Runs the command `vue-ai-transport`.
 * @param args - The arguments of the command.
 * @returns the endpoint it started, or `undefined` if it only printed its usage
 */
export async function run(args: readonly string[]): Promise<LocalEndpoint | undefined> {
  const { values, positionals } = parseArgs({ args: [...args], options: flags, allowPositionals: true })
  if (values.help || positionals[0] !== 'local') {
    process.stdout.write(usage)
    if (!values.help) process.exitCode = 1
    return undefined
  }
  const { host, key = [], persist, origin: origins } = values
  const config = values.config === undefined ? {} : await readConfig(values.config)
  const keys = [...key, ...(config.keys ?? [])]
  const port = Number(values.port)
  if (!Number.isInteger(port) || port < 0 || port > 65_535) {
    throw new Error(`unable to start; --port must be a number from 0 to 65535, not "${values.port}"`)
  }
  const options = keys.length > 0 ? { ...config, keys } : { devKey: host === undefined || isLoopback(host) }
  const endpoint = await createLocalEndpoint({ ...options, port, host, persist, origins })
  process.stdout.write(greeting(endpoint))
  return endpoint
}

const greeting = (endpoint: LocalEndpoint) => `Listening on ${endpoint.url}

In the page, with another clientId for each user:
${clientOf(endpoint, 'alice')}
In the agent:
${clientOf(endpoint, 'agent')}`

const clientOf = ({ url, port, key }: LocalEndpoint, clientId: string) => `
  new Ably.Realtime({
    key: '${key}',
    clientId: '${clientId}',
    endpoint: '${new URL(url).hostname}',
    port: ${port},
    tls: false,
    transports: ['web_socket'],
    disableConnectivityCheck: true,
  })
`
