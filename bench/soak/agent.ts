import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { pathToFileURL } from 'node:url'
import * as Ably from 'ably'
import type { UIMessage, UIMessageChunk } from 'ai'
import { scriptOf, wordsOf } from './script.ts'

// An agent in a process of its own, which the soak kills and restarts
const [path = '', options = '{}'] = process.argv.slice(2)
const { defineAgent, toNodeHandler } = (await import(
  pathToFileURL(path).href
)) as typeof import('../../src/agent/index.ts')

process.on('unhandledRejection', (reason) => process.send?.({ unhandled: String(reason) }))

const agent = defineAgent({
  client: () =>
    new Ably.Realtime({
      ...(JSON.parse(options) as Ably.ClientOptions),
      clientId: 'agent',
      logLevel: 0,
      disconnectedRetryTimeout: 100,
      // NOTE: seconds after a kill instead of 15, so that a minute has room for several kills
      transportParams: { remainPresentFor: 3000 },
    }),
  authorize: () => true,
  agents: 'agent',
  onError(error) {
    const { code = 0, message } = error as { code?: number; message: string }
    process.send?.({ error: `${code} ${message.slice(0, 70)}` })
  },
  respond: (run) => run.pipe(answer(run.context())),
})

async function* answer(messages: readonly UIMessage[]): AsyncGenerator<UIMessageChunk> {
  const prompt =
    messages
      .findLast(({ role }) => role === 'user')
      ?.parts.map(textOf)
      .join('') ?? ''
  const script = scriptOf(prompt)
  const last = messages.at(-1)
  const isAfter = last?.role === 'assistant' && last.parts.some((part) => 'output' in part && part.output !== undefined)
  yield { type: 'start' }
  yield { type: 'text-start', id: 't' }
  for (const delta of wordsOf(script, isAfter)) {
    yield { type: 'text-delta', id: 't', delta }
    await sleep(script.pause)
  }
  yield { type: 'text-end', id: 't' }
  const isWaiting = script.hasTool && !isAfter
  if (isWaiting) yield { type: 'tool-input-available', toolCallId: crypto.randomUUID(), toolName: 'where', input: {} }
  yield { type: 'finish', finishReason: isWaiting ? 'tool-calls' : 'stop' }
}

const textOf = (part: UIMessage['parts'][number]): string => (part.type === 'text' ? part.text : '')

const server = createServer(toNodeHandler(agent))
server.listen(0, '127.0.0.1', () => process.send!({ port: (server.address() as AddressInfo).port }))
process.on('disconnect', () => process.exit())
process.on('SIGTERM', async () => {
  server.close()
  await agent.close()
  process.exit()
})
