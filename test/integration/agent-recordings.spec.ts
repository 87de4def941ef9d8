import { readdirSync, readFileSync } from 'node:fs'
import { beforeAll, describe, expect, it } from 'vitest'
import type { ChannelMessage } from '../../src/core/wire'
import { startEndpoint, type TestEndpoint } from '../support/local'
import { Replay, type Deviation } from '../support/replay-agent'
import { once } from '../support/transcripts'

/** Recordings in which no agent publishes, with the reason. */
const notApplicable: Readonly<Record<string, string>> = {
  'codec-vectors': 'holds chunks and operations, but no session; the codec tests read it',
  'appends-conflated': 'its appends were merged after the recording, so that they are not what the agent sent',
}

/** The operation that closes a stream that was left open. */
const closing = {
  action: 'append',
  data: '',
  extras: { ai: expect.objectContaining({ transport: expect.objectContaining({ status: 'cancelled' }) }) },
}

/** Recordings in which another operation is right, with the reason. */
const deviations: Readonly<Record<string, Deviation & { why: string }>> = {
  'pipe-source-throws': {
    why: 'a pipe that fails closes its streams (fault 6)',
    extra: { 7: closing },
  },
  'step-retry': {
    why: 'a step that fails closes its streams (fault 6)',
    extra: { 16: closing },
  },
  'recovery-update-middle': {
    why: 'a stream that is known to have a hole is repaired by the update that closes it, not closed first',
    missing: [8],
    refused: { 6: 'upon ' },
  },
  'recovery-update-tail': {
    why: 'the same operations; the channel has to refuse one of them',
    refused: { 7: 'a time.' },
  },
}

const directory = new URL('../transcripts/', import.meta.url)
const names = readdirSync(directory)
  .map((file) => file.replace('.json', ''))
  .filter((name) => !(name in notApplicable))

interface Recording {
  wire: ChannelMessage[]
  /** The complete channel, if the recording is that of a late joiner. */
  fullWire?: ChannelMessage[]
}

let endpoint: TestEndpoint
beforeAll(async () => {
  endpoint = await startEndpoint({}, { until: 'file' })
})

describe('for the same chunks and inputs, the agent publishes the same as in the recording', () => {
  it.each(names)('%s', async (name) => {
    const { wire, fullWire = wire } = JSON.parse(readFileSync(new URL(`${name}.json`, directory), 'utf8')) as Recording
    const replay = new Replay(endpoint, once(fullWire), deviations[name] ?? {}, name)
    const { recorded, published } = await replay.play()
    expect(published).toEqual(recorded)
  })
})
