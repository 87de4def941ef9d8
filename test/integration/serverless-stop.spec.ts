import type * as Ably from 'ably'
import { createDatabase } from 'db0'
import sqlite from 'db0/connectors/node-sqlite'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it, onTestFinished } from 'vitest'
import { sqlArchive } from '../../src/archive'
import type { RowTuple } from '../../src/core/rows'
import { joinWire, named } from '../support/agent'
import { serverless, startAgentProcess } from '../support/agent-process'
import { infoOf, useDeadAgents } from '../support/dead-agents'
import { eventually } from '../support/eventually'
import { startEndpoint } from '../support/local'

const place = useDeadAgents()
const { skip, hurry, newName, open } = place

const days = 24 * 3600 * 1000

/** The states in which a run can be left. */
const left: { state: string; prompt: string; info: { status: string; stalled?: true } }[] = [
  { state: 'suspended', prompt: 'Where am I?', info: { status: 'suspended' } },
  { state: 'stalled', prompt: 'Count slowly', info: { status: 'active', stalled: true } },
]

/** Watches a session's channel for ends of runs. */
async function watch(name: string) {
  const { heard } = await joinWire(place.endpoint.client({ clientId: 'carol' }), name)
  const endsOf = (runId: string): Ably.InboundMessage[] => heard.filter(named('ai-run-end', { 'run-id': runId }))
  return { heard, endsOf }
}

describe('a run on a serverless function, whose instance is gone after each request', () => {
  it('S31 that is suspended is cancelled by a Stop, which a new instance hears, once', async () => {
    const { instances, fetch } = serverless(place.endpoint)
    const name = newName()
    const alice = await open(name, 'alice', { wake: fetch })
    const { endsOf } = await watch(name)
    const run = await alice.view.send('Where am I?')
    await eventually(() => expect(run.status).toBe('suspended'))
    await instances[0]!.gone()

    await run.cancel()
    await expect(run.finished).resolves.toEqual({ reason: 'cancelled' })
    expect(instances).toHaveLength(2)
    await instances[1]!.gone()
    const next = await alice.view.send('Hello')
    await expect(next.finished).resolves.toEqual({ reason: 'complete' })
    await instances[2]!.gone()
    expect(endsOf(run.runId)).toHaveLength(1)
    expect(infoOf(alice, run.runId)).toMatchObject({ status: 'cancelled', cancelledBy: { by: 'alice' } })
  })

  it.for(left)(
    'S31 that is $state: two devices that press Stop at once get two instances, and it is cancelled once',
    async ({ prompt, info }) => {
      const { instances, fetch } = serverless(place.endpoint)
      const name = newName()
      const alice = await open(name, 'alice', { wake: fetch })
      const bob = await open(name, 'bob', { wake: fetch })
      const { endsOf } = await watch(name)
      const run = await alice.view.send(prompt)
      await run.started
      await eventually(() => expect(run.status).toBe(info.status))
      // The platform ends a function that takes too long
      await (info.stalled ? instances[0]!.kill() : instances[0]!.gone())
      const calm = hurry()
      for (const device of [alice, bob]) await eventually(() => expect(infoOf(device, run.runId)).toMatchObject(info))
      // NOTE: with time so fast, a device would wake a further instance before the first could have ended the run
      calm()

      await Promise.all([alice.cancel(run.runId), bob.cancel(run.runId)])
      for (const device of [alice, bob])
        await eventually(() => expect(infoOf(device, run.runId)?.status).toBe('cancelled'))
      await eventually(() => expect(instances).toHaveLength(3))
      for (const instance of instances) await instance.gone()
      expect(endsOf(run.runId)).toHaveLength(1)
      await expect(run.finished).resolves.toEqual({ reason: 'cancelled' })
      expect([alice.view.isRunning, bob.view.isRunning]).toEqual([false, false])
    },
  )
})

describe('a Stop three days after the last message of a run', () => {
  it.for(left)(
    'S31 that was $state: two new devices cancel it at once, and one end is on the channel',
    async ({ prompt, info: { status } }) => {
      const first = await startAgentProcess(place.endpoint)
      const name = newName()
      const before = await open(name, 'alice', { agent: () => first })
      const run = await before.view.send(prompt)
      await run.started
      const { runId } = run
      await eventually(() => expect(run.status).toBe(status))
      await first.kill()
      const { heard, endsOf } = await watch(name)
      // Presence and the ids of messages are forgotten long before
      const { channel } = await joinWire(place.endpoint.client({ clientId: 'dora' }), name)
      await eventually(async () => expect(await channel.presence.get()).toEqual([]))
      await before.close()
      skip(3 * days)

      const agents = [await startAgentProcess(place.endpoint), await startAgentProcess(place.endpoint)] as const
      const phone = await open(name, 'alice', { agent: () => agents[0], historyPageSize: 7 })
      const laptop = await open(name, 'alice', { agent: () => agents[1], historyPageSize: 7 })
      for (const device of [phone, laptop]) {
        await device.view.loadUntil(() => false)
        expect(infoOf(device, runId)?.status).toBe(status)
      }
      await Promise.all([phone.cancel(runId), laptop.cancel(runId)])
      for (const device of [phone, laptop])
        await eventually(() => expect(infoOf(device, runId)?.status).toBe('cancelled'))
      const next = await phone.view.send('Hello')
      await expect(next.finished).resolves.toEqual({ reason: 'complete' })
      expect(heard.filter(named('ai-cancel'))).toHaveLength(2)
      expect(endsOf(runId)).toHaveLength(1)
    },
  )

  it.for([
    ['whole', (rows) => rows],
    // As an agent that is killed between the suspend and the last text leaves it
    [
      'with an open text',
      (rows) => rows.map((row) => (row[3]?.status ? [row[0], rows.at(-1)![0], row[2], { ...row[3], status: 'streaming' }, ...row.slice(4)] : row) as RowTuple), // prettier-ignore
    ],
  ] satisfies [string, (rows: readonly RowTuple[]) => readonly RowTuple[]][])(
    'S31 cancels it for good if only the archive has it, %s, and the instance that ends it lives for the request only',
    async ([, change]) => {
      const folder = mkdtempSync(join(tmpdir(), 'archive-'))
      onTestFinished(() => rmSync(folder, { recursive: true }))
      const file = join(folder, 'archive.sqlite')
      const archive = sqlArchive(createDatabase(sqlite({ path: file })))
      let { endpoint } = place
      const { instances, fetch } = serverless(place.endpoint, { archive: file })
      const name = newName()
      const before = await open(name, 'alice', { wake: fetch, archive })
      const run = await before.view.send('Where am I?')
      await eventually(() => expect(run.status).toBe('suspended'))
      const { runId } = run
      await instances[0]!.gone()
      await before.close()
      const rows = await archive.read({ sessionName: name, limit: 100 })
      expect(rows.map(([, , , headers]) => headers?.status).filter(Boolean)).toEqual(['complete'])
      await archive.write({ sessionName: name, rows: change(rows) })

      /** Ably has forgotten the session. */
      const forget = async () => {
        await endpoint.close()
        skip(3 * days)
        endpoint = await startEndpoint({ port: endpoint.port, keys: [endpoint.key] })
      }
      await forget()
      const later = await open(name, 'alice', { wake: fetch, archive })
      await later.view.loadUntil(() => false)
      expect(infoOf(later, runId)?.status).toBe('suspended')
      await later.cancel(runId)
      await eventually(() => expect(infoOf(later, runId)?.status).toBe('cancelled'))
      for (const instance of instances) await instance.gone()
      await later.close()

      await forget()
      const last = await open(name, 'bob', { archive })
      await last.view.loadUntil(() => false)
      await eventually(() => expect(infoOf(last, runId)?.status).toBe('cancelled'))
    },
  )
})
