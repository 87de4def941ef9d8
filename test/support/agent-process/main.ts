import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { finished } from 'node:stream/promises'
import { setTimeout as sleep } from 'node:timers/promises'
import * as Ably from 'ably'
import { BaseRealtime, FetchRequest, Rest, WebSocketTransport } from 'ably/modular'
import type { UIMessage, UIMessageChunk } from 'ai'
import { createDatabase } from 'db0'
import sqlite from 'db0/connectors/node-sqlite'
import { defineAgent, type AgentArchive, type AgentRun } from '../../../src/agent'
import { sqlArchive } from '../../../src/archive'
import { asking } from '../tools'
import type { AgentProcessOptions } from './index'

const [clientOptions = '', given = '{}'] = process.argv.slice(2)
const {
  hasPresence = true,
  admitted = Infinity,
  archive: file,
  isWriteHeld,
  isServerless,
} = JSON.parse(given) as AgentProcessOptions

function openArchive(path: string): AgentArchive {
  const archive = sqlArchive(createDatabase(sqlite({ path })))
  return isWriteHeld ? { read: archive.read, write: () => new Promise(() => undefined) } : archive
}

const connect = (): Ably.RealtimeClient => {
  const options = { ...(JSON.parse(clientOptions) as Ably.ClientOptions), clientId: 'agent', logLevel: 0 }
  const plugins = { WebSocketTransport, FetchRequest, Rest }
  return hasPresence ? new Ably.Realtime(options) : new BaseRealtime({ ...options, plugins })
}

/**
 * An agent in its own process. If a prompt asks it to be slow, it repeats words without end; if a prompt asks
 * where it is, it calls a client tool; else it repeats the conversation.
 */
const agent = defineAgent({
  client: connect,
  archive: file === undefined ? undefined : openArchive(file),
  authorize: () => true,
  onError: () => undefined,
  admit: ({ active }) => active.length < admitted,
  respond(run) {
    run.abortSignal.addEventListener('abort', () => process.send!({ aborted: run.runId }))
    return run.pipe(isAskedWhere(run) ? asking('call-1') : reply(run))
  },
})

const isAskedWhere = (run: AgentRun<UIMessage, UIMessageChunk>): boolean =>
  run.context().at(-1)!.parts.flatMap(textOf).join('').startsWith('Where')

async function* reply(run: AgentRun<UIMessage, UIMessageChunk>): AsyncGenerator<UIMessageChunk> {
  const told = run.context().map(({ role, parts }) => `${role}: ${parts.flatMap(textOf).join('')}`)
  yield { type: 'start' }
  yield { type: 'text-start', id: 't' }
  if (told.at(-1)!.endsWith('slowly')) yield* words(run.abortSignal)
  else yield { type: 'text-delta', id: 't', delta: told.join('\n') }
  yield { type: 'text-end', id: 't' }
  yield { type: 'finish', finishReason: 'stop' }
}

async function* words(signal: AbortSignal): AsyncGenerator<UIMessageChunk> {
  for (let count = 0; !signal.aborted; count++) {
    yield { type: 'text-delta', id: 't', delta: `w${count} ` }
    await sleep(20)
  }
}

const textOf = (part: UIMessage['parts'][number]): string[] => (part.type === 'text' ? [part.text] : [])

const server = createServer(async (request, response) => {
  const chunks: Buffer[] = []
  for await (const chunk of request) chunks.push(chunk as Buffer)
  const headers = { 'content-type': String(request.headers['content-type']) }
  const body = Buffer.concat(chunks)
  const work: Promise<unknown>[] = []
  const context = { waitUntil: (promise: Promise<unknown>) => void work.push(promise) }
  const answer = await agent.fetch(new Request('http://agent.test/', { method: 'POST', headers, body }), context)
  response.writeHead(answer.status, Object.fromEntries(answer.headers)).end(await answer.text())
  if (!isServerless) return
  await Promise.all([finished(response), ...work])
  process.kill(process.pid, 'SIGKILL')
})
server.listen(0, '127.0.0.1', () => process.send!({ port: (server.address() as AddressInfo).port }))
process.on('disconnect', () => process.exit())
process.on('SIGTERM', async () => {
  server.close()
  await agent.close()
  process.exit()
})
