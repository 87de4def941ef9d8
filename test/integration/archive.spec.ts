import type { UIMessage } from 'ai'
import { createDatabase } from 'db0'
import sqlite from 'db0/connectors/node-sqlite'
import { createServer, type IncomingMessage } from 'node:http'
import type { AddressInfo } from 'node:net'
import { describe, expect, it, onTestFinished } from 'vitest'
import {
  createClientSession,
  dehydrateSession,
  UIMessageCodec,
  type ClientSession,
  type DehydratedSession,
} from '../../src'
import { createAgentSession, type AgentArchive } from '../../src/agent'
import { archiveRoute, sqlArchive, type Archive } from '../../src/archive'
import { deferred } from '../../src/core/signals'
import { eventually } from '../support/eventually'
import { startEndpoint } from '../support/local'
import { shown, startScene, statuses, type Scene } from '../support/scene'

const newArchive = (): Archive => sqlArchive(createDatabase(sqlite({ name: ':memory:' })))

/** Serves an archive over HTTP, and records the requests. */
async function serve(archive: Archive, isAllowed = () => true) {
  const route = archiveRoute({ archive, authorize: isAllowed, onError: () => undefined })
  const asked: URL[] = []
  const toRequest = ({ url = '', method }: IncomingMessage) => new Request(new URL(url, 'http://localhost'), { method })
  const server = createServer(async (incoming, response) => {
    const request = toRequest(incoming)
    asked.push(new URL(request.url))
    const answer = await route(request)
    response.writeHead(answer.status, Object.fromEntries(answer.headers)).end(await answer.text())
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  onTestFinished(() => void server.close())
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/api/archive`, asked }
}

interface Device {
  archive?: string | Archive
  rows?: DehydratedSession
  historyPageSize?: number
}

/** Opens the session on a new device. */
async function openOn(scene: Scene, options: Device = {}, client = scene.endpoint.client({ clientId: 'alice' })) {
  const session = createClientSession<UIMessage>({
    client,
    channelName: scene.channelName,
    codec: UIMessageCodec,
    agent: { url: 'http://agent.test/', fetch: scene.fetch },
    ...options,
  })
  onTestFinished(() => session.close())
  await session.connect()
  await session.view.loadUntil(() => false)
  return session
}

/** Sends a prompt, and lets the model reply. */
async function converse(scene: Scene, session: ClientSession<UIMessage>, question: string, answer: string) {
  const call = scene.model.call(scene.model.calls.length)
  const run = await session.view.send(question)
  const { say, finish } = bound(await call)
  say(answer)
  finish()
  await run.finished
  return run
}

const bound = (call: Awaited<ReturnType<Scene['model']['call']>>) => ({
  say: (text: string) => call.say(text),
  finish: () => call.finish(),
})

/** Waits until the archive contains the end of this many runs. */
const archived = (archive: Archive, sessionName: string, runs: number) =>
  eventually(async () => {
    const rows = await archive.read({ sessionName, limit: 1000 })
    expect(rows.filter(([, , name]) => name === 'ai-run-end')).toHaveLength(runs)
  })

/** A conversation of two turns with an edit, stored in an archive. */
async function spoken(archive: Archive, options: Parameters<typeof startScene>[2] = {}) {
  const scene = await startScene('kept', { archive }, options)
  const session = await openOn(scene)
  await converse(scene, session, 'Three days in Rome?', 'Three days, here.')
  await converse(scene, session, 'And food?', 'Pasta.')
  const edited = scene.model.call(scene.model.calls.length)
  const [, , food] = session.view.getMessages()
  const run = await session.view.edit(food!.id, 'And wine?')
  const call = await edited
  call.say('Frascati.')
  call.finish()
  await run.finished
  await archived(archive, scene.channelName, 3)
  return { scene, session }
}

const conversation = [
  'sent: Three days in Rome?',
  'complete: Three days, here.',
  'sent: And wine?',
  'complete: Frascati.',
]

describe('a conversation that has expired on Ably', () => {
  it.each(['an archive in this process', 'the URL of an archive route'])('opens and resumes from %s', async (from) => {
    const archive = newArchive()
    await spoken(archive)
    const later = await startScene('kept', { archive })
    const { url } = await serve(archive)
    const session = await openOn(later, { archive: from.includes('URL') ? url : archive })
    expect(shown(session)).toEqual(conversation)
    expect(statuses(session)).toEqual(['complete', 'complete'])
    const branch = session.view.branch(session.view.getMessages()[2]!.id)
    expect(branch.siblings).toHaveLength(2)
    branch.select(0)
    expect(shown(session).slice(2)).toEqual(['sent: And food?', 'complete: Pasta.'])
    branch.select(1)

    await converse(later, session, 'How much?', 'Little.')
    expect(later.model.calls.at(-1)!.transcript).toEqual([
      'user: Three days in Rome?',
      'assistant: Three days, here.',
      'user: And wine?',
      'assistant: Frascati.',
      'user: How much?',
    ])
    await archived(archive, later.channelName, 4)
    const last = await startScene('kept', { archive })
    const newcomer = await openOn(last, { archive })
    expect(shown(newcomer)).toEqual([...conversation, 'sent: How much?', 'complete: Little.'])
  })

  it('has no messages if the session has no archive', async () => {
    await spoken(newArchive())
    expect(shown(await openOn(await startScene('kept')))).toEqual([])
  })

  it('loads older pages on request', async () => {
    const archive = newArchive()
    await spoken(archive)
    const { url, asked } = await serve(archive)
    const session = await openOn(await startScene('kept'), { archive: url, historyPageSize: 5 })
    expect(shown(session)).toEqual(conversation)
    expect(asked.length).toBeGreaterThan(3)
    expect(asked[0]!.searchParams.get('before')).toBeNull()
    expect(asked[0]!.searchParams.get('limit')).toBe('5')
  })
})

it('merges messages that Ably still has with those that only the archive has', async () => {
  const archive = newArchive()
  const { scene } = await spoken(archive, { limits: { maxChannelMessages: 12 } })
  const without = await openOn(scene)
  expect(shown(without)).not.toEqual(conversation)
  for (const historyPageSize of [3, 100]) {
    expect(shown(await openOn(scene, { archive, historyPageSize }))).toEqual(conversation)
  }
})

it('continues from the archive if the endpoint was wiped in the middle', async () => {
  const archive = newArchive()
  const { scene, session } = await spoken(archive)
  const { port } = scene.endpoint
  const client = scene.endpoint.client({ clientId: 'alice' })
  const open = await openOn(scene, { archive }, client)
  expect(shown(open)).toEqual(conversation)
  await session.close()
  await scene.endpoint.close()
  const wiped = await startEndpoint({ port, keys: [scene.endpoint.key] })
  await eventually(() => expect(open.status).toBe('ready'))
  expect(shown(open)).toEqual(conversation)

  await converse(scene, open, 'Still there?', 'Yes.')
  expect(scene.model.calls.at(-1)!.transcript).toHaveLength(5)
  expect(shown(open)).toEqual([...conversation, 'sent: Still there?', 'complete: Yes.'])
  const newcomer = await openOn(scene, { archive }, wiped.client({ clientId: 'bob' }))
  expect(shown(newcomer)).toEqual(shown(open))
})

describe('the agent with an archive', () => {
  it('writes a run that another agent has ended but not written', async () => {
    const archive = newArchive()
    const broken: AgentArchive = { read: (options) => archive.read(options), write: () => new Promise(() => undefined) }
    const scene = await startScene('handed-on', { archive: broken })
    const session = await openOn(scene)
    await converse(scene, session, 'One', 'First.')
    expect(await archive.read({ sessionName: scene.channelName })).toEqual([])
    const other = await startScene('handed-on', { archive, client: () => scene.endpoint.client({ clientId: 'agent' }) })
    const call = other.model.call(0)
    const run = await session.view.send('Two', { wake: false })
    await other.wake(run.inputEventId)
    const { say, finish } = bound(await call)
    say('Second.')
    finish()
    await run.finished
    await archived(archive, scene.channelName, 2)
  })

  it('reports a failed write and repeats it with the next run', async () => {
    const archive = newArchive()
    const errors: unknown[] = []
    let isDown = true
    const flaky: AgentArchive = {
      read: (options) => archive.read(options),
      write: async (options) => {
        if (isDown) throw new Error('the database is down')
        await archive.write(options)
      },
    }
    const scene = await startScene('flaky', { archive: flaky, onError: (error) => void errors.push(error) })
    const session = await openOn(scene)
    await converse(scene, session, 'One', 'First.')
    await eventually(() =>
      expect(errors).toContainEqual(
        expect.objectContaining({ code: 104012, message: 'unable to write to the archive; the database is down' }),
      ),
    )
    isDown = false
    await converse(scene, session, 'Two', 'Second.')
    await archived(archive, scene.channelName, 2)
    expect((await archive.sessions())[0]).toMatchObject({ sessionName: scene.channelName, title: 'One' })
  })

  it('writes nothing of a run before its end', async () => {
    const archive = newArchive()
    const scene = await startScene('open', { archive })
    const session = await openOn(scene)
    const call = scene.model.call(0)
    const run = await session.view.send('One')
    const { say, finish } = bound(await call)
    say('Half')
    await eventually(() => expect(shown(session).at(-1)).toContain('Half'))
    expect(await archive.read({ sessionName: scene.channelName })).toEqual([])
    finish()
    await run.finished
    await archived(archive, scene.channelName, 1)
  })
})

describe('an archive that cannot be read', () => {
  it.each([
    ['a refused request', () => serve(newArchive(), () => false), /answered with status 403/],
    ['a URL that is not an archive', async () => ({ url: 'data:application/json,{}#' }), /something else than rows/],
  ])('is reported by the session: %s', async (_, start, message) => {
    const { url } = await start()
    const scene = await startScene('unreadable')
    const reading = openOn(scene, { archive: url })
    await expect(reading).rejects.toMatchObject({ code: 104011, message: expect.stringMatching(message) as string })
  })

  it('hides no message that Ably has: neither while it is being read nor after it has failed', async () => {
    const { scene } = await spoken(newArchive())
    const read = deferred<never>()
    const session = createClientSession<UIMessage>({
      client: scene.endpoint.client({ clientId: 'bob' }),
      channelName: scene.channelName,
      codec: UIMessageCodec,
      archive: { read: () => read.promise },
      historyPageSize: 5,
    })
    onTestFinished(() => session.close())
    await session.connect()
    const older = session.view.loadOlder(30)
    await eventually(() => expect(shown(session)).toEqual(conversation))
    expect([session.view.isLoadingOlder, session.view.hasOlder()]).toEqual([true, true])
    read.resolve('rows' as never)
    await expect(older).rejects.toThrow('unable to read the archive; its read() must give a list of rows')
    expect(shown(session)).toEqual(conversation)
    expect([session.view.isLoadingOlder, session.view.hasOlder()]).toEqual([false, true])
  })

  it('gives older messages together with those that Ably had, once it answers', async () => {
    const archive = newArchive()
    const { scene } = await spoken(archive, { limits: { maxChannelMessages: 12 } })
    const session = createClientSession<UIMessage>({
      client: scene.endpoint.client({ clientId: 'bob' }),
      channelName: scene.channelName,
      codec: UIMessageCodec,
      archive,
      historyPageSize: 3,
    })
    onTestFinished(() => session.close())
    await session.connect()
    const older = await session.view.loadOlder(30)
    expect(shown(session)).toEqual(conversation)
    expect(older).toEqual(session.view.getMessages())
  })
})

it("a session continues in the archive from an earlier session's rows without a gap", async () => {
  const archive = newArchive()
  const { scene } = await spoken(archive, { limits: { maxChannelMessages: 12 } })
  for (const historyPageSize of [2, 5, 100]) {
    const some = createClientSession<UIMessage>({
      client: scene.endpoint.client({ clientId: 'some' }),
      channelName: scene.channelName,
      codec: UIMessageCodec,
      archive,
      historyPageSize,
    })
    await some.connect()
    await some.view.loadOlder(1)
    const rows = dehydrateSession(some)
    await some.close()
    expect(shown(await openOn(scene, { archive, rows, historyPageSize }))).toEqual(conversation)
  }
})

it('an agent that does not hear its own messages is refused an archive', async () => {
  const endpoint = await startEndpoint()
  const client = endpoint.client({ clientId: 'agent' }, { echoMessages: false })
  const open = () => createAgentSession({ client, sessionName: 'ai:deaf', archive: newArchive() })
  expect(open).toThrow('remove "echoMessages: false"')
})
