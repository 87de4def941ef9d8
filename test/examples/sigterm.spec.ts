import { once } from 'node:events'
import { cpSync, mkdirSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { beforeAll, expect, inject, it } from 'vitest'
import { eventually } from '../support/eventually'
import { joinWire, named, transportOf } from '../support/agent'
import { startEndpoint } from '../support/local'
import { startProgram } from './visit'

const examples = inject('examples')
const folder = join(examples, 'deploy')

/** The example of agents, with a model that stands still after three tokens. */
beforeAll(() => {
  mkdirSync(folder)
  for (const file of readdirSync(join(examples, 'agents')).filter((name) => /\.(ts|json)$/.test(name)))
    cpSync(join(examples, 'agents', file), join(folder, file))
  symlinkSync(join(examples, 'agents/node_modules'), join(folder, 'node_modules'))
  const agent = join(folder, 'agent.ts')
  const source = readFileSync(agent, 'utf8')
  const slow = 'demoModel({ delay: 0, beforeToken: ({ length }) => length < 3 || new Promise(() => undefined) })'
  const slowed = source.replace('demoModel({ delay: 0 })', slow)
  if (slowed === source) throw new Error(`unable to slow the model down; there is none in ${source}`)
  writeFileSync(agent, slowed)
})

it.each(['node', 'express', 'hono'])(
  'SIGTERM to the agent on %s: no new run starts, the running one is cancelled with its text, and the process exits',
  async (name) => {
    const endpoint = await startEndpoint()
    const { key, port } = endpoint
    const env = { PORT: '0', ABLY_API_KEY: key, ABLY_PORT: String(port) }
    const { child, address } = await startProgram(folder, [`${name}.ts`], env, /port: (\d+)/)
    const sessionName = 'ai:alice:deploy'
    const alice = await joinWire(endpoint.client({ clientId: 'alice' }), sessionName)
    const ask = async (text: string): Promise<Response> => {
      const { inputEventId } = await alice.prompt(text)
      const headers = { 'content-type': 'application/json', 'x-user': 'alice' }
      const body = JSON.stringify({ inputEventId, sessionName })
      return fetch(`http://localhost:${address}/api/agent`, { method: 'POST', headers, body })
    }
    const response = await ask('Count')
    expect(response.status).toBe(202)
    const { runId } = (await response.json()) as { runId: string }
    const heard = () => alice.heard.map(({ data }) => String(data)).join('')
    await eventually(() => expect(heard()).toContain('You said'))

    // The agent is closing while the end of its run is held back
    let isClosing = (): void => undefined
    const closing = new Promise<void>((resolve) => (isClosing = resolve))
    const release = endpoint.delayPublish(({ name: published }) => {
      if (published === 'ai-run-end') isClosing()
      return published === 'ai-run-end'
    })
    const over = once(child, 'exit')
    child.kill('SIGTERM')
    await closing
    const refused = await ask('And now?')
    release()
    expect(refused.status).toBe(503)
    expect(await over).toEqual([0, null])

    expect(transportOf(await alice.hears(named('ai-run-end')))).toMatchObject({
      'run-id': runId,
      'run-reason': 'cancelled',
    })
    expect(alice.heard.filter(named('ai-run-start'))).toHaveLength(1)
    const { items } = await alice.channel.history()
    expect(items.map(({ data }) => data).join(' ')).toContain('You said')
  },
)
