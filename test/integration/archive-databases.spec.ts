import type { UIMessage } from 'ai'
import { createDatabase } from 'db0'
import sqlite from 'db0/connectors/node-sqlite'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest'
import { createClientSession, UIMessageCodec, type ActiveRun } from '../../src'
import { sqlArchive, type Archive } from '../../src/archive'
import { tuplesOf } from '../../src/core/rows'
import { startAgentProcess } from '../support/agent-process'
import { databases, type Server } from '../support/databases'
import { eventually } from '../support/eventually'
import { startEndpoint, type TestEndpoint } from '../support/local'
import { shown, startScene, statuses, type Scene } from '../support/scene'

/** Opens the session on a device that has never seen it, and loads all of it. */
async function openOn(
  scene: Pick<Scene, 'channelName' | 'fetch'>,
  archive: Archive | undefined,
  endpoint: TestEndpoint,
) {
  const session = createClientSession<UIMessage>({
    client: endpoint.client({ clientId: 'alice' }),
    channelName: scene.channelName,
    codec: UIMessageCodec,
    agent: { url: 'http://agent.test/', fetch: scene.fetch },
    archive,
  })
  onTestFinished(() => session.close())
  await session.connect()
  await session.view.loadUntil(() => false)
  return session
}

/** Has the model answer the prompt that `act` sends. */
async function answered(scene: Scene, act: () => Promise<ActiveRun<UIMessage>>, answer: string) {
  const next = scene.model.call(scene.model.calls.length)
  const run = await act()
  const call = await next
  call.say(answer)
  call.finish()
  await run.finished
}

/** Waits until the archive has the ends of so many runs. */
const archived = (archive: Archive, sessionName: string, runs: number) =>
  eventually(async () => {
    const rows = await archive.read({ sessionName, limit: 10_000 })
    expect(rows.filter(([, , name]) => name === 'ai-run-end')).toHaveLength(runs)
  })

describe.each(databases)('an archive in %s', (_, start) => {
  let server: Server
  let database: ReturnType<Server['connect']>
  let archive: Archive
  beforeAll(async () => {
    server = await start()
    database = server.connect()
    archive = sqlArchive(database)
  })
  afterAll(async () => {
    await database.dispose()
    await server.stop()
  })

  it('carries a conversation that Ably has lost in the middle to a new device, with branches, runs and context', async () => {
    const before = await startScene('lost', { archive })
    const first = await openOn(before, archive, before.endpoint)
    await answered(before, () => first.view.send('Three days in Rome?'), 'Three days, here.')
    await answered(before, () => first.view.send('And food?'), 'Pasta.')
    await answered(before, () => first.view.edit(first.view.getMessages()[2]!.id, 'And wine?'), 'Frascati.')
    await archived(archive, before.channelName, 3)
    const { port, key } = before.endpoint
    await first.close()
    await before.endpoint.close()
    const wiped = await startEndpoint({ port, keys: [key] })

    const session = await openOn(before, archive, wiped)
    expect(shown(session).slice(2)).toEqual(['sent: And wine?', 'complete: Frascati.'])
    expect(statuses(session)).toEqual(['complete', 'complete'])
    const branch = session.view.branch(session.view.getMessages()[2]!.id)
    expect(branch.siblings).toHaveLength(2)
    branch.select(0)
    expect(shown(session).slice(2)).toEqual(['sent: And food?', 'complete: Pasta.'])
    await answered(before, () => session.view.send('How much?'), 'Little.')
    const context = [
      'user: Three days in Rome?',
      'assistant: Three days, here.',
      'user: And food?',
      'assistant: Pasta.',
    ]
    expect(before.model.calls.at(-1)!.transcript).toEqual([...context, 'user: How much?'])
    await archived(archive, before.channelName, 4)
  })

  it('has two hours of rows that Ably keeps no longer', async () => {
    let now = Date.now() - 7_200_000
    // NOTE: Ably forgets by age, the local endpoint by number: about the last five turns are left here
    const limits = { maxChannelMessages: 25 }
    const scene = await startScene('long', { archive }, { clock: { now: () => now }, limits })
    const first = await openOn(scene, archive, scene.endpoint)
    const expected: string[] = []
    for (let turn = 0; turn < 24; turn++) {
      now += 300_000
      await answered(scene, () => first.view.send(`Question ${turn}`), `Answer ${turn}`)
      expected.push(`sent: Question ${turn}`, `complete: Answer ${turn}`)
      await archived(archive, scene.channelName, turn + 1)
    }
    expect(shown(await openOn(scene, undefined, scene.endpoint)).length).toBeLessThan(20)
    const session = await openOn(scene, archive, scene.endpoint)
    expect(shown(session)).toEqual(expected)
    const fresh = await startScene('long', { archive, client: () => scene.endpoint.client({ clientId: 'agent' }) })
    const later = await openOn(fresh, archive, scene.endpoint)
    await answered(fresh, () => later.view.send('All of it?'), 'Yes.')
    expect(fresh.model.calls[0]!.transcript).toHaveLength(49)
  })
})

describe('agents in processes of their own, with one archive', () => {
  /** A file for the archive, a session, and prompts in it. */
  async function aSession(name: string) {
    const endpoint = await startEndpoint()
    const folder = mkdtempSync(join(tmpdir(), 'archive-'))
    onTestFinished(() => rmSync(folder, { recursive: true }))
    const file = join(folder, 'archive.sqlite')
    const database = createDatabase(sqlite({ path: file }))
    const archive = sqlArchive(database)
    onTestFinished(() => database.dispose())
    const scene = { channelName: `ai:${name}`, fetch }
    const session = await openOn(scene, archive, endpoint)
    const ask = async (
      agent: { wake: (each: { inputEventId: string; sessionName: string }) => Promise<unknown> },
      prompt: string,
    ) => {
      const run = await session.view.send(prompt, { wake: false })
      await agent.wake({ inputEventId: run.inputEventId, sessionName: scene.channelName })
      expect(await run.finished).toEqual({ reason: 'complete' })
    }
    /** All rows, as Ably has them. */
    const onAbly = async () => {
      const reader = await openOn(scene, undefined, endpoint)
      return JSON.parse(JSON.stringify([...tuplesOf(reader.internals.tree.log.rows())])) as unknown
    }
    return { endpoint, file, archive, name: scene.channelName, ask, onAbly }
  }

  it('lose nothing that Ably still has when one is killed between the end of a run and the write', async () => {
    const { endpoint, file, archive, name, ask } = await aSession('killed')
    const killed = await startAgentProcess(endpoint, { archive: file, isWriteHeld: true })
    await ask(killed, 'One')
    await killed.kill()
    expect(await archive.read({ sessionName: name })).toEqual([])
    await ask(await startAgentProcess(endpoint, { archive: file }), 'Two')
    await archived(archive, name, 2)
    const later = await startEndpoint()
    const session = await openOn({ channelName: name, fetch }, archive, later)
    expect(shown(session)).toEqual([
      'sent: One',
      'complete: user: One',
      'sent: Two',
      expect.stringContaining('user: Two'),
    ])
  })

  it('end in the same rows when they write at once', async () => {
    const { endpoint, file, archive, name, ask, onAbly } = await aSession('both')
    const agents = await Promise.all([
      startAgentProcess(endpoint, { archive: file }),
      startAgentProcess(endpoint, { archive: file }),
    ])
    for (let round = 0; round < 4; round++) {
      await Promise.all(agents.map((agent, index) => ask(agent, `Round ${round}, agent ${index}`)))
    }
    await archived(archive, name, 8)
    await eventually(async () =>
      expect(await archive.read({ sessionName: name, limit: 10_000 })).toEqual(await onAbly()),
    )
  })
})
