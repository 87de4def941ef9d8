import { describe, expect, it } from 'vitest'
import {
  identityOf,
  outputHeaders,
  plainest,
  runEnd,
  runResume,
  runStart,
  stepEnd,
  stepStart,
} from '../../src/agent/run-messages'
import type { Row } from '../../src/core/rows'
import type { ChannelMessage } from '../../src/core/wire'
import { transportOf } from '../support/agent'
import { newTree, readTranscript } from '../support/transcripts'

const names = [
  'text-simple',
  'anonymous-client',
  'cancel-then-send',
  'concurrent-two-interleaved',
  'edit',
  'edit-of-edit',
  'regenerate',
  'regenerate-of-regenerate',
  'regenerate-early-turn',
  'run-error',
  'run-error-bare',
  'two-pipes',
]

describe.each(names)('the headers recorded in %s', (name) => {
  const { wire } = readTranscript(name)
  const rows = rowsOf(wire)
  const of = (kind: string) => rows.filter((row) => row.name === kind)

  it('of run starts are written', () => {
    for (const row of of('ai-run-start')) expect(transportOf(runStart(identityFor(row)))).toEqual(row.transport)
  })

  it('of run ends are written', () => {
    for (const row of of('ai-run-end')) {
      const { 'run-reason': reason, 'error-code': code, 'error-message': message } = row.transport
      const failure = message === undefined ? undefined : { code: Number(code), message }
      expect(transportOf(runEnd(identityFor(row), { reason: reason as 'complete', failure }))).toEqual(row.transport)
    }
  })

  it('of steps are written', () => {
    for (const row of of('ai-step-start')) {
      expect(transportOf(stepStart(identityFor(row), stepOf(row)))).toEqual(row.transport)
    }
    for (const row of of('ai-step-end')) {
      const reason = row.transport['step-reason'] as 'complete'
      expect(transportOf(stepEnd(identityFor(row), stepOf(row), reason))).toEqual(row.transport)
    }
  })

  it('of outputs are written', () => {
    expect(of('ai-output').length + of('ai-run-end').length).toBeGreaterThan(0)
    for (const row of of('ai-output')) {
      const { stream: _, status: __, 'stream-id': ___, ...recorded } = row.transport
      expect(outputHeaders(identityFor(row), stepOf(row), recorded['codec-message-id']!)).toEqual(recorded)
    }
  })

  /** The identity of an agent that uses the recorded ids. */
  function identityFor({ transport }: Row) {
    const runId = transport['run-id']!
    const start = of('ai-run-start').find((row) => row.transport['run-id'] === runId)!
    const inputId = start.transport['input-codec-message-id']
    const trigger = of('ai-input').find((row) => row.transport['codec-message-id'] === inputId)!
    return identityOf(trigger, { runId, invocationId: start.transport['invocation-id']! })
  }
})

const stepOf = ({ transport }: Row) => ({
  stepId: transport['step-id']!,
  clientId: transport['step-client-id']!,
  attempt: transport['step-start-serial']!,
})

function rowsOf(wire: readonly ChannelMessage[]): Row[] {
  const { log } = newTree()
  for (const message of wire) log.apply(message)
  return [...log.rows()]
}

describe('headers', () => {
  it('contain a shortened error message, since readers ignore messages with too long headers', () => {
    const [input] = rowsOf(readTranscript('text-simple').wire)
    const identity = identityOf(input!, { runId: 'r', invocationId: 'i' })
    const transport = transportOf(runEnd(identity, { reason: 'error', failure: { message: 'x'.repeat(50_000) } }))
    expect(transport['error-message']!.length).toBe(1000)
  })

  it('stay short however many steers are consumed, and however long their ids are', () => {
    const [input] = rowsOf(readTranscript('text-simple').wire)
    const identity = identityOf(input!, { runId: 'r', invocationId: 'i' })
    const step = { stepId: 's', clientId: 'agent', attempt: 'a' }
    const ids = Array.from({ length: 500 }, (_, index) => `steer-${index}`)
    const { 'steer-codec-message-ids': stamp } = outputHeaders(identity, step, 'm', ['x'.repeat(9000), ...ids])
    expect(stamp!.length).toBeLessThan(1000)
    expect(JSON.parse(stamp!)).toContain('steer-0')
  })

  it('of a resume name its answers, also where the channel refuses other headers', () => {
    const [input] = rowsOf(readTranscript('text-simple').wire)
    const identity = identityOf(input!, { runId: 'r', invocationId: 'i' })
    const transport = transportOf(plainest(runResume(identity, true, ['s1', 's2'])))
    expect(transport['answer-serials']).toBe('["s1","s2"]')
  })

  it('of a resume and of an end name each of 200 answers', () => {
    const [input] = rowsOf(readTranscript('text-simple').wire)
    const identity = identityOf(input!, { runId: 'r', invocationId: 'i' })
    const answers = Array.from({ length: 200 }, (_, index) => `01726232498871-${index}@e2DFJ6BgQB7cql38437833:${index}`)
    for (const each of [runResume(identity, true, answers), runEnd(identity, { reason: 'cancelled', answers })]) {
      expect(JSON.parse(transportOf(each)['answer-serials']!)).toEqual(answers)
      expect(transportOf(plainest(each))['answer-serials']).toBe(transportOf(each)['answer-serials'])
    }
  })

  it('leave out an error code that is not a number', () => {
    const [input] = rowsOf(readTranscript('text-simple').wire)
    const identity = identityOf(input!, { runId: 'r', invocationId: 'i' })
    expect(
      transportOf(runEnd(identity, { reason: 'error', failure: { code: 'ECONNRESET', message: 'gone' } })),
    ).not.toHaveProperty('error-code')
  })
})
