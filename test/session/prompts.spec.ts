import type { InboundMessage } from 'ably'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { reactive } from 'vue'
import { UIMessageCodec } from '../../src/codec'
import { deferred } from '../../src/core/signals'
import { Header } from '../../src/core/wire'
import type { AgentTarget } from '../../src/session/context'
import { output, prompt, runMessage } from '../core/wire'
import { aSession, ended, headerOf, refusal, soon, started } from '../support/told-session'

afterEach(() => void vi.useRealTimers())

describe('a handle', () => {
  it('works inside reactive state', async () => {
    const { view } = await aSession()
    const state = reactive({ run: await view.send('x') })
    expect(state.run.status).toBe('pending')
    expect(state.run.finished).toBeInstanceOf(Promise)
  })

  it('wakes no agent for a prompt that a run already answers', async () => {
    const { view, hear, woken } = await aSession()
    const run = await view.send('x')
    hear(started('R', run.inputId), ended('R'))
    await run.finished
    await run.retry()
    await expect(view.retry(run.inputId)).rejects.toMatchObject({ code: 40003 })
    await soon()
    expect(woken).toHaveLength(1)
  })

  it("reports that the agent was woken if the run's start arrives before the response to the wake-up", async () => {
    const answer = deferred()
    const { view, hear } = await aSession([], () => answer.promise)
    const run = await view.send('x')
    hear(started('R', run.inputId))
    expect(run.wake?.state).toBe('accepted')
    answer.resolve()
    await soon()
    hear(ended('R'))
    expect(run.wake?.state).toBe('accepted')
  })
})

describe('a refused prompt', () => {
  it('wakes the agent once if it reaches the channel after all', async () => {
    const { view, refuse, published, deliver, woken, shown } = await aSession()
    refuse('ai-input')
    await expect(view.send('x')).rejects.toMatchObject({ code: 104005 })
    expect(woken).toEqual([])
    await deliver(published)
    await soon()
    expect(shown()).toEqual(['sent: x'])
    expect(woken).toEqual([headerOf(published[0], Header.eventId)])
    expect(view.isRunning).toBe(true)
  })

  it('is replaced by an edit of it', async () => {
    const { view, hear, refuse, published, shown } = await aSession()
    hear(prompt('first'))
    refuse('ai-input')
    await expect(view.send('lost')).rejects.toMatchObject({ code: 104005 })
    const failed = view.getMessages().at(-1)!
    await view.edit(failed.id, 'again')
    expect(shown()).toEqual(['sent: first', 'sent: again'])
    expect(headerOf(published[1], Header.forkOf)).toBeUndefined()
    expect(headerOf(published[1], Header.parent)).toBe('first')
    expect(view.branch(view.getMessages().at(-1)!.id).hasSiblings).toBe(false)
  })

  it('stays if the edit of it is no valid message', async () => {
    const { view, refuse, shown } = await aSession()
    refuse('ai-input')
    await expect(view.send('lost')).rejects.toMatchObject({ code: 104005 })
    await expect(view.edit(view.getMessages()[0]!.id, [] as never)).rejects.toMatchObject({ code: 40003 })
    expect(shown()).toEqual(['failed: lost'])
  })

  it('is not the parent of the next prompt, which is sent in its place', async () => {
    const { view, hear, refuse, published, shown } = await aSession()
    hear(prompt('first'))
    const fate = deferred<never>()
    refuse('ai-input', () => fate.promise)
    const sending = [view.send('too large'), view.send('next'), view.send('after that')]
    expect(shown()).toEqual(['sent: first', 'pending: too large', 'pending: next', 'pending: after that'])
    fate.reject(refusal)
    await Promise.allSettled(sending)
    const [, next, last] = published
    expect(headerOf(next, Header.parent)).toBe('first')
    expect(headerOf(last, Header.parent)).toBe(headerOf(next, Header.messageId))
    expect(shown().filter((line) => line.startsWith('sent'))).toHaveLength(3)
  })

  it('is not overtaken by the cancel of a prompt that waits behind it', async () => {
    const { view, refuse, names } = await aSession()
    const fate = deferred<never>()
    refuse('ai-input', () => fate.promise)
    const sending = [view.send('a').catch(() => undefined), view.send('b')]
    const stopped = view.cancel({ inputId: view.getMessages().at(-1)!.id })
    fate.reject(refusal)
    await Promise.all([...sending, stopped])
    expect(names()).toEqual(['ai-input a', 'ai-input b', 'ai-cancel'])
  })
})

describe('a prompt whose id is sent a second time', () => {
  it('resolves both calls when the channel has it, and is published once', async () => {
    const { view, refuse, published } = await aSession()
    const fate = deferred<never>()
    refuse('ai-input', () => fate.promise)
    const first = view.send('Hello', { id: 'p1' })
    let isAccepted = false
    const second = view.send('Hello', { id: 'p1' }).finally(() => (isAccepted = true))
    await soon()
    expect(isAccepted).toBe(false)
    fate.reject(refusal)
    await expect(first).rejects.toMatchObject({ code: 104005 })
    await expect(second).rejects.toMatchObject({ code: 104005 })
    expect(published).toHaveLength(1)
  })

  it('is published again if it has failed', async () => {
    const { view, refuse, shown, published } = await aSession()
    refuse('ai-input')
    await expect(view.send('Hello', { id: 'p1' })).rejects.toMatchObject({ code: 104005 })
    await view.send('Hello', { id: 'p1' })
    expect(shown()).toEqual(['sent: Hello'])
    expect(published).toHaveLength(2)
  })
})

describe('a prompt that another tab has sent under this id', () => {
  it('is not published again, and an agent is woken, because that tab may be closed', async () => {
    const { view, hear, published, woken, shown } = await aSession()
    hear(prompt('p1', { 'event-id': 'p1-sent' }))
    const run = await view.send('Hello', { id: 'p1' })
    expect(shown()).toEqual(['sent: p1'])
    expect(published).toEqual([])
    expect(woken).toEqual(['p1-sent'])
    hear(started('R', 'p1'), ended('R'))
    expect(await run.finished).toEqual({ reason: 'complete' })
  })

  it('wakes no agent if it has been answered', async () => {
    const { view, hear, published, woken } = await aSession()
    hear(prompt('p1', { 'event-id': 'p1-sent' }), started('R', 'p1'), ended('R'))
    const run = await view.send('Hello', { id: 'p1' })
    expect([published, woken]).toEqual([[], []])
    expect(await run.finished).toEqual({ reason: 'complete' })
  })
})

describe('after a reload', () => {
  const past = [prompt('old', { 'event-id': 'e-old' })]

  it('an unanswered prompt wakes an agent when it is retried', async () => {
    const { view, woken } = await aSession(past)
    await view.retry('old')
    expect(woken).toEqual(['e-old'])
  })

  it('a cancelled prompt no longer counts as running', async () => {
    const { view, hear } = await aSession(past)
    hear(prompt('new', { 'event-id': 'e-new', parent: 'old' }))
    expect(view.isRunning).toBe(true)
    await view.cancelAll()
    expect(view.isRunning).toBe(false)
  })

  it('retry() with an unknown id does nothing', async () => {
    const { view } = await aSession(past)
    await expect(view.retry('nothing')).rejects.toMatchObject({ code: 40003 })
  })
})

describe('a send with `interrupt`', () => {
  it.each(['published', 'ended'] as const)(
    'shows and sends its prompt even if a cancel is refused (%s)',
    async (waitFor) => {
      vi.useFakeTimers()
      const { session, view, hear, refuse, shown } = await aSession()
      const errors: number[] = []
      session.on('error', ({ code }) => errors.push(code))
      hear(started('R'))
      refuse('ai-cancel')
      const sending = view.send('five days', { whenBusy: 'interrupt', waitFor })
      expect(shown()).toEqual([expect.stringMatching('five days')])
      await vi.advanceTimersByTimeAsync(2000)
      await sending
      expect(shown()).toEqual(['sent: five days'])
      expect(errors).toEqual([104005])
    },
  )

  it('cancels suspended runs too, once', async () => {
    const { view, hear, published } = await aSession()
    hear(started('A'), started('B'), runMessage('ai-run-suspend', 'B', { 'invocation-id': 'B-1' }))
    await view.send('x', { whenBusy: 'interrupt' })
    expect(published.map((message) => headerOf(message, Header.runId))).toEqual(['A', 'B', undefined])
    hear(started('C'), runMessage('ai-run-suspend', 'C', { 'invocation-id': 'C-1' }))
    published.length = 0
    await view.cancelAll()
    expect(published.map((message) => headerOf(message, Header.runId))).toContain('C')
    expect(published.map((message) => headerOf(message, Header.runId))).not.toContain('B')
  })
})

describe('the end of a run', () => {
  const streaming = (run: string) => [
    started(run),
    output(run, { kind: 'text' }, 'x', {
      'codec-message-id': `m-${run}`,
      'stream-id': 's',
      stream: 'true',
      status: 'streaming',
    }),
  ]

  it('waits one second for the rest of its text, whatever other runs wait for', async () => {
    const { session, hear } = await aSession()
    vi.useFakeTimers()
    const statusOf = (run: string) => session.tree.run(run)?.status
    hear(...streaming('A'), ...streaming('B'), ended('A'))
    vi.advanceTimersByTime(990)
    hear(ended('B'))
    vi.advanceTimersByTime(11)
    expect([statusOf('A'), statusOf('B')]).toEqual(['complete', 'active'])
    vi.advanceTimersByTime(990)
    expect(statusOf('B')).toBe('complete')
  })

  it('still waits when older messages are loaded', async () => {
    const past = [prompt('older')]
    const { session, channel, hear } = await aSession()
    channel.history = async () => ({
      items: past as InboundMessage[],
      hasNext: () => false,
      next: () => channel.history(),
    })
    hear(...streaming('A'), ended('A'))
    await session.view.loadOlder(1)
    expect(session.tree.run('A')?.status).toBe('active')
  })
})

describe('a prompt that is cancelled while its agent cannot be reached', () => {
  it('is not woken any more, and its handle settles', async () => {
    vi.useFakeTimers()
    let attempts = 0
    const { view } = await aSession([], () => {
      attempts++
      throw new Error('down')
    })
    const run = await view.send('x')
    await vi.advanceTimersByTimeAsync(1)
    expect(run.wake?.state).toBe('retrying')
    await run.cancel()
    const made = attempts
    await vi.advanceTimersByTimeAsync(60_000)
    expect(attempts).toBe(made)
    expect(run.wake?.state).toBe('failed')
    expect(await run.finished).toEqual({ reason: 'cancelled' })
    await expect(run.started).rejects.toMatchObject({ code: 40033 })
    expect(view.isRunning).toBe(false)
  })
})

describe('waking an agent', () => {
  const never = () => new Promise<never>(() => undefined)

  it.each<[string, AgentTarget]>([
    ['a function', never],
    ['headers from a promise', { url: 'http://agent.test/', headers: never }],
    ['a fetch', { url: 'http://agent.test/', fetch: never }],
  ])('is retried after 10, 20 and 30 seconds if %s never settles', async (_, agent) => {
    vi.useFakeTimers()
    const { view } = await aSession([], agent)
    const run = await view.send('x')
    for (const [attempts, seconds] of [[1, 10], [2, 20], [3, 30], [4, 30]] as const) {
      await vi.advanceTimersByTimeAsync(seconds * 1000 - 10)
      expect(run.wake).toMatchObject({ state: 'waking', attempts })
      await vi.advanceTimersByTimeAsync(10)
      expect(run.wake).toMatchObject({ state: 'retrying', attempts })
      expect(run.wake?.error?.message).toMatch(
        new RegExp(`^unable to wake the agent; the agent( at \\S+)? did not answer within ${seconds} seconds$`),
      )
      vi.advanceTimersToNextTimer()
      await vi.advanceTimersByTimeAsync(0)
    }
  }) // prettier-ignore
})

describe('answers to tool calls that start a fork', () => {
  it('can come in any order if one of them has room for the copied messages', async () => {
    const { view, hear, published } = await aSession()
    const call = (id: string) => output('R', { kind: 'tool-input', toolCallId: id, toolName: 'ask' }, {})
    const request = output('R', { kind: 'tool-approval-request', toolCallId: 'c2', approvalId: 'a' })
    hear(started('R'), call('c1'), call('c2'), request, runMessage('ai-run-suspend', 'R', { 'invocation-id': 'R-1' }))
    const answers = [
      UIMessageCodec.createToolApproval({ toolCallId: 'c2', approved: true }),
      UIMessageCodec.createToolOutput({ toolCallId: 'c1', output: 1 }),
    ]
    await view.answer('m', answers, { as: 'fork' })
    expect(published[0]!.data).toHaveProperty('forkSeed')
    await expect(view.answer('m', answers[0]!, { as: 'fork' })).rejects.toMatchObject({ code: 40003 })
  })

  it('leave no watch behind when they are stopped, and wake no agent for the stopped run', async () => {
    const { session, view, hear, woken } = await aSession()
    hear(started('R'), output('R', { kind: 'tool-input', toolCallId: 'c', toolName: 'ask' }, {}))
    hear(runMessage('ai-run-suspend', 'R', { 'invocation-id': 'R-1' }))
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'Date'] })
    const fork = await view.answer('m', UIMessageCodec.createToolOutput({ toolCallId: 'c', output: 1 }), { as: 'fork' })
    await view.cancel({ inputId: fork.inputId })
    hear(runMessage('ai-run-start', 'F', { 'invocation-id': 'F-1', 'input-codec-message-id': fork.inputId }))
    hear(runMessage('ai-run-end', 'F', { 'invocation-id': 'F-1', 'run-reason': 'cancelled' }))
    expect(session.tree.runs().map(({ status }) => status)).toEqual(['suspended', 'cancelled'])
    await vi.advanceTimersByTimeAsync(200_000)
    expect(woken).toHaveLength(1)
    expect(vi.getTimerCount()).toBe(0)
  })
})
