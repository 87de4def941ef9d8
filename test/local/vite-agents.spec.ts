import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import * as Ably from 'ably'
import { build, createLogger, createServer, preview, type InlineConfig, type ServerOptions } from 'vite'
import { expect, onTestFinished, test } from 'vitest'
import { here } from '../../scripts/entries'
import { localAbly, type LocalAblyOptions } from '../../src/local/vite'
import { joinWire, named, transportOf } from '../support/agent'
import { eventually } from '../support/eventually'

/** An agent file that replies with these words; `hold` keeps its run active until it is cancelled. */
const agentFile = (words: string, hold = false) => `
import * as Ably from 'ably'
import { clientOptions } from 'virtual:local-ably'
import { defineAgent } from 'vue-ai-transport/agent'

export default defineAgent({
  client: () => new Ably.Realtime({ ...clientOptions(), logLevel: 0 }),
  agents: 'agent',
  authorize: () => true,
  async respond(run) {
    await run.pipe(answer(run.abortSignal))
  },
})

async function* answer(signal: AbortSignal) {
  yield { type: 'start', messageId: crypto.randomUUID() }
  yield { type: 'text-start', id: 't' }
  yield { type: 'text-delta', id: 't', delta: ${JSON.stringify(words)} }
  if (${hold}) await new Promise((resolve) => signal.addEventListener('abort', resolve))
  yield { type: 'text-end', id: 't' }
  yield { type: 'finish' }
}
`

const alias = [{ find: /^vue-ai-transport\/agent$/, replacement: here('src/agent/index.ts') }]

/** An app in its own folder, with the output of its terminal. */
async function anApp(files: Record<string, string>, options: LocalAblyOptions) {
  const root = await mkdtemp(join(tmpdir(), 'app-'))
  onTestFinished(() => rm(root, { recursive: true }))
  await symlink(here('node_modules'), join(root, 'node_modules'))
  await mkdir(join(root, 'server'))
  const write = (file: string, text: string) => writeFile(join(root, file), text)
  await write('index.html', '<!doctype html><title>page</title>')
  for (const [file, text] of Object.entries(files)) await write(file, text)
  const shown: string[] = []
  const logger = createLogger('silent')
  logger.error = (message) => void shown.push(message)
  const ably = localAbly(options)
  const config: InlineConfig = { root, configFile: false, customLogger: logger, plugins: [ably], resolve: { alias } }
  return { write, shown, ably, config }
}

async function serveApp(files: Record<string, string>, options: LocalAblyOptions, given: ServerOptions = {}) {
  const app = await anApp(files, options)
  const server = await createServer({ ...app.config, server: { port: 0, host: '127.0.0.1', ...given } })
  onTestFinished(() => server.close())
  await server.listen()
  return { ...app, url: urlOf(server.httpServer!.address()) }
}

const urlOf = (address: unknown) => `http://127.0.0.1:${(address as AddressInfo).port}`

/** A client on a session of the app's endpoint, with a function that sends a prompt and waits for the reply. */
async function aClient({ ably, url }: { ably: ReturnType<typeof localAbly>; url: string }, sessionName = 'ai:trip') {
  const client = new Ably.Realtime({ ...ably.endpoint.clientOptions({ clientId: 'alice' }), logLevel: 0 })
  onTestFinished(() => client.close())
  const wire = await joinWire(client, sessionName)
  const ask = async (path = '/api/agent') => {
    const { inputEventId } = await wire.prompt('Hi')
    const response = await fetch(url + path, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ inputEventId, sessionName }),
    })
    const body = (await response.json()) as { runId: string; error?: { message: string } }
    return { status: response.status, ...body }
  }
  const reads = (runId: string, words: string) =>
    wire.hears((message) => message.data === words && transportOf(message)['run-id'] === runId)
  const ends = async (runId: string) =>
    transportOf(await wire.hears(named('ai-run-end', { 'run-id': runId })))['run-reason']
  return { ...wire, ask, reads, ends }
}

test('the dev server serves the agent of a file', async () => {
  const app = await serveApp({ 'server/agent.ts': agentFile('Hello') }, { agent: './server/agent.ts' })
  const { ask, reads, ends } = await aClient(app)
  const { status, runId } = await ask()
  expect(status).toBe(202)
  const { clientId } = await reads(runId, 'Hello')
  expect(clientId).toBe('agent')
  expect(await ends(runId)).toBe('complete')
})

test('an edit replaces the agent: conversations stay, and an active run finishes with the old code', async () => {
  const app = await serveApp({ 'server/agent.ts': agentFile('Before', true) }, { agent: './server/agent.ts' })
  const { ask, reads, ends, cancel, channel } = await aClient(app)
  const first = await ask()
  await reads(first.runId, 'Before')
  await app.write('server/agent.ts', agentFile('After'))
  // NOTE: Vite learns of the edit from the file system, some time later
  const second = await eventually(async () => {
    const { runId } = await ask()
    const isNew = await Promise.race([reads(runId, 'After').then(() => true), reads(runId, 'Before').then(() => false)])
    if (!isNew) await cancel({ runId })
    expect(isNew).toBe(true)
    return runId
  })
  expect(await ends(second)).toBe('complete')
  expect((await channel.history()).items.some(({ data }) => data === 'Before')).toBe(true)
  await cancel({ runId: first.runId })
  expect(await ends(first.runId)).toBe('cancelled')
})

test('several agents are served by path', async () => {
  const app = await serveApp(
    { 'server/chat.ts': agentFile('Chat'), 'server/scribe.ts': agentFile('Scribe') },
    { agent: { '/api/chat': './server/chat.ts', '/api/scribe': './server/scribe.ts' } },
  )
  const { ask, reads } = await aClient(app)
  const [chat, scribe] = [await ask('/api/chat'), await ask('/api/scribe')]
  expect([chat.status, scribe.status]).toEqual([202, 202])
  await Promise.all([reads(chat.runId, 'Chat'), reads(scribe.runId, 'Scribe')])
})

test("an agent file that throws is shown in the terminal, and the wake-up fails with the error's first line", async () => {
  const broken = `throw new Error('no model key\\nsecond line')`
  const app = await serveApp({ 'server/agent.ts': broken }, { agent: './server/agent.ts' })
  const { ask, reads } = await aClient(app)
  expect(await ask()).toEqual({
    status: 424,
    error: { code: 42_400, message: 'unable to load the agent ./server/agent.ts; no model key' },
  })
  expect(app.shown).toHaveLength(1)
  expect(app.shown[0]).toMatch(
    /^\[vue-ai-transport\] unable to load the agent \.\/server\/agent\.ts\nError: no model key\nsecond line\n.*agent\.ts:1/s,
  )
  await app.write('server/agent.ts', agentFile('Mended'))
  const { runId } = await eventually(async () => {
    const answer = await ask()
    expect(answer.status).toBe(202)
    return answer
  })
  await reads(runId, 'Mended')
})

const importing = agentFile('@')
  .replace('"@"', 'words')
  .replace('import * as Ably', "import { words } from './words'\nimport * as Ably")

test.each([
  ['the agent file', { 'server/agent.ts': '' }, 'server/agent.ts', agentFile('Saved')],
  [
    'a file that it imports',
    { 'server/agent.ts': importing, 'server/words.ts': 'throw new Error("half")' },
    'server/words.ts',
    `export const words = 'Saved'`,
  ],
])('%s that was read in the middle of a save is read again', async (_, files, file, text) => {
  // NOTE: without a watcher, as if Vite had missed the second half of a save
  const app = await serveApp(files, { agent: './server/agent.ts' }, { watch: null })
  const { ask, reads } = await aClient(app)
  await ask()
  await app.write(file, text)
  const { status, runId } = await ask()
  expect(status).toBe(202)
  await reads(runId, 'Saved')
})

test('an agent file with a syntax error is refused with the error, not only with its announcement', async () => {
  const app = await serveApp({ 'server/agent.ts': 'export default {' }, { agent: './server/agent.ts' })
  const { ask } = await aClient(app)
  const { error } = await ask()
  expect(error?.message).toMatch(/^unable to load the agent \.\/server\/agent\.ts; [^]*[^:]$/)
})

test.each([
  ['no default export', 'export const agent = 1'],
  ['another default export', 'export default {}'],
])('an agent file with %s is refused with the fix', async (_, text) => {
  const app = await serveApp({ 'server/agent.ts': text }, { agent: './server/agent.ts' })
  const { ask } = await aClient(app)
  expect(await ask()).toEqual({
    status: 424,
    error: {
      code: 42_400,
      message:
        'unable to load the agent ./server/agent.ts; its default export is not an agent. Use `export default defineAgent({ ... })`',
    },
  })
})

test('vite preview serves the agent, too', async () => {
  const app = await anApp({ 'server/agent.ts': agentFile('Preview') }, { agent: './server/agent.ts' })
  await build({ ...app.config, logLevel: 'silent' })
  const server = await preview({ ...app.config, preview: { port: 0, host: '127.0.0.1' } })
  onTestFinished(() => server.close())
  const { ask, reads } = await aClient({ ably: app.ably, url: urlOf(server.httpServer.address()) })
  const { status, runId } = await ask()
  expect(status).toBe(202)
  await reads(runId, 'Preview')
})
