import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { freezeDetector, Pacer, type Pace, type Urgency, SessionPacer } from '../../src/agent/pacer'

beforeEach(() => void vi.useFakeTimers())
afterEach(() => void vi.useRealTimers())

function paced({ maxRate = 40, maxInboundRate = 50 } = {}) {
  const listeners = new Set<() => void>()
  const pace = {
    isHeldUp: false as boolean,
    maxInboundRate,
    confirm: () => Promise.resolve(),
    onChange: (listener: () => void) => {
      listeners.add(listener)
      return () => listeners.delete(listener)
    },
  } satisfies Pace
  const pacer = new Pacer(pace)
  pacer.maxRate = maxRate
  const sent: { name: string; at: number }[] = []
  const start = performance.now()
  const session = () => {
    const own = new SessionPacer(pacer)
    const send = (name: string, urgency: Urgency = 'content') =>
      own.add(urgency, () => sent.push({ name, at: performance.now() - start }))
    return { own, send }
  }
  const { send } = session()
  return {
    pacer,
    session,
    pace,
    sent,
    send,
    names: () => sent.map(({ name }) => name),
    tell: () => listeners.forEach((f) => f()),
  }
}

/** The largest number of publishes within this many milliseconds. */
const densest = (times: number[], span: number): number =>
  Math.max(...times.map((from) => times.filter((at) => at >= from && at < from + span).length))

describe('a pacer', () => {
  it('sends slow traffic without delay', () => {
    const { send, names } = paced()
    for (const name of ['a', 'b', 'c', 'd', 'e']) send(name)
    expect(names()).toEqual(['a', 'b', 'c', 'd', 'e'])
  })

  it('S37 keeps the rate below the limit of the service, and drops nothing', () => {
    const { send, sent } = paced()
    for (let index = 0; index < 200; index++) send(`${index}`)
    for (let index = 0; index < 100; index++) send(`urgent ${index}`, 'urgent')
    vi.advanceTimersByTime(10_000)
    expect(sent).toHaveLength(300)
    expect(densest(sent.map(({ at }) => at), 1000)).toBeLessThanOrEqual(50) // prettier-ignore
  })

  it('S37 sends urgent messages before all waiting ones', () => {
    const { send, sent } = paced()
    for (let index = 0; index < 500; index++) send('content')
    vi.advanceTimersByTime(3000)
    const before = sent.length
    for (let index = 0; index < 8; index++) send('urgent', 'urgent')
    vi.advanceTimersByTime(200)
    expect(sent.slice(before).filter(({ name }) => name === 'urgent')).toHaveLength(8)
  })

  it('takes turns between runs, and sends the start of a reply first', () => {
    const { send, names } = paced({ maxRate: 8, maxInboundRate: 10 })
    send('first')
    send('second')
    for (const name of ['a', 'b', 'c']) send(name)
    send('opening', 'opening')
    vi.advanceTimersByTime(3000)
    expect(names()).toEqual(['first', 'second', 'opening', 'a', 'b', 'c'])
  })

  it('sends the first outputs of a run within 60 ms, although other runs have used up the rate', () => {
    const { send, sent } = paced()
    for (let index = 0; index < 500; index++) send('content')
    vi.advanceTimersByTime(3000)
    const before = sent.length
    for (let index = 0; index < 4; index++) send('opening', 'opening')
    vi.advanceTimersByTime(60)
    expect(sent.slice(before).filter(({ name }) => name === 'opening')).toHaveLength(4)
    vi.advanceTimersByTime(3000)
    expect(densest(sent.map(({ at }) => at), 1000)).toBeLessThanOrEqual(50) // prettier-ignore
  })

  it('sends all messages with which a run starts at once, although other runs have used up the rate', () => {
    const { send, sent } = paced()
    for (let index = 0; index < 500; index++) send('content')
    vi.advanceTimersByTime(3000)
    const now = performance.now()
    const before = sent.length
    for (const name of ['presence', 'start']) send(name, 'urgent')
    for (const name of ['step', 'message', 'text', 'delta']) send(name, 'opening')
    expect(sent.slice(before).map(({ name }) => name)).toEqual([
      'presence',
      'start',
      'step',
      'message',
      'text',
      'delta',
    ])
    expect(performance.now()).toBe(now)
    vi.advanceTimersByTime(3000)
    expect(densest(sent.map(({ at }) => at), 1000)).toBeLessThanOrEqual(50) // prettier-ignore
  })

  it('sends a whole short answer at once, because the start of a run uses up nothing of the burst for its text', () => {
    const { send, names } = paced()
    const opening = ['step', 'message', 'text', 'first piece']
    const content = ['piece', 'piece', 'piece', 'end of the text', 'end of the step', 'end of the message']
    for (const name of opening) send(name, 'opening')
    for (const name of content) send(name)
    expect(names()).toEqual([...opening, ...content])
  })

  it('spaces outputs evenly if there are many', () => {
    const { send, sent } = paced()
    for (let index = 0; index < 30; index++) send(`${index}`)
    vi.advanceTimersByTime(1000)
    const gaps = sent.slice(8).map(({ at }, index) => at - sent[index + 7]!.at)
    expect(Math.max(...gaps)).toBeLessThanOrEqual(30)
    expect(Math.min(...gaps)).toBeGreaterThanOrEqual(20)
  })

  it('uses a lower limit if the service reports one', () => {
    const { send, sent } = paced({ maxInboundRate: 10 })
    for (let index = 0; index < 40; index++) send(`${index}`)
    vi.advanceTimersByTime(20_000)
    expect(sent).toHaveLength(40)
    expect(densest(sent.map(({ at }) => at), 1000)).toBeLessThanOrEqual(10) // prettier-ignore
  })

  it('waits after a refusal and continues more slowly, until publishes succeed for a while', () => {
    const { pacer, send, sent } = paced()
    expect(pacer.slowDown()).toBe(true)
    expect(pacer.slowDown()).toBe(false)
    for (let index = 0; index < 20; index++) send(`${index}`)
    expect(sent).toHaveLength(0)
    vi.advanceTimersByTime(600)
    const slow = sent.length
    expect(slow).toBeGreaterThan(0)
    expect(slow).toBeLessThan(20)
    for (let index = 0; index < 400; index++) send(`${index}`)
    vi.advanceTimersByTime(20_000)
    expect(sent).toHaveLength(420)
    const late = sent.slice(-41)
    expect(late.at(-1)!.at - late[0]!.at).toBeLessThan(1200)
  })

  it('waits while the connection is lost, and continues when the service has answered', async () => {
    const { pace, send, names, tell } = paced()
    let answer = () => {}
    pace.confirm = () => new Promise<void>((resolve) => (answer = resolve))
    pace.isHeldUp = true
    tell()
    send('a')
    send('b', 'urgent')
    vi.advanceTimersByTime(60_000)
    expect(names()).toEqual([])
    pace.isHeldUp = false
    tell()
    expect(names()).toEqual([])
    answer()
    await vi.advanceTimersByTimeAsync(0)
    expect(names()).toEqual(['b', 'a'])
  })

  it.each([40, Infinity])(
    'sends nothing after a freeze until the service has answered, at a rate of %d',
    async (maxRate) => {
      let answer = () => {}
      const confirm = () => new Promise<void>((resolve) => (answer = resolve))
      const pacer = new Pacer(
        { isHeldUp: false, maxInboundRate: 50, onChange: () => () => {}, confirm },
        freezeDetector(),
      )
      pacer.maxRate = maxRate
      const session = new SessionPacer(pacer)
      const sent: string[] = []
      session.add('content', () => sent.push('before'))
      vi.advanceTimersByTime(300_000)
      session.add('content', () => sent.push('after a silence'))
      vi.setSystemTime(Date.now() + 60_000)
      session.add('content', () => sent.push('after a freeze'))
      session.add('urgent', () => sent.push('urgent'))
      expect(sent).toEqual(['before', 'after a silence'])
      answer()
      await vi.advanceTimersByTimeAsync(0)
      expect(sent).toEqual(['before', 'after a silence', 'urgent', 'after a freeze'])
      session.add('urgent', () => sent.push('at once'))
      expect(sent.at(-1)).toBe('at once')
      await vi.advanceTimersByTimeAsync(1_200_000)
      expect(vi.getTimerCount()).toBe(0)
    },
  )

  it('notices a freeze although the overdue timer is the first callback after it', () => {
    const wasFrozen = freezeDetector()
    expect(wasFrozen()).toBe(false)
    vi.setSystemTime(Date.now() + 60_000)
    vi.advanceTimersToNextTimer()
    expect(wasFrozen()).toBe(true)
    expect(wasFrozen()).toBe(false)
    vi.setSystemTime(Date.now() + 3_600_000)
    vi.advanceTimersToNextTimer()
    expect(wasFrozen()).toBe(true)
  })

  it('sends queued outputs after a freeze only when the service has answered', async () => {
    let answer = () => {}
    const confirm = () => new Promise<void>((resolve) => (answer = resolve))
    const pacer = new Pacer(
      { isHeldUp: false, maxInboundRate: 50, onChange: () => () => {}, confirm },
      freezeDetector(),
    )
    pacer.maxRate = 1
    const session = new SessionPacer(pacer)
    const sent: string[] = []
    for (const name of ['before', 'queued']) session.add('content', () => sent.push(name))
    expect(sent).toEqual(['before'])
    vi.setSystemTime(Date.now() + 60_000)
    await vi.advanceTimersByTimeAsync(5000)
    expect(sent).toEqual(['before'])
    answer()
    await vi.advanceTimersByTimeAsync(0)
    expect(sent).toEqual(['before', 'queued'])
  })

  it('does not limit the rate without a limit, but still slows down after refusals', () => {
    const { pacer, send, sent } = paced({ maxRate: Infinity })
    for (let index = 0; index < 1000; index++) send(`${index}`)
    expect(sent).toHaveLength(1000)
    pacer.slowDown()
    send('later')
    expect(sent).toHaveLength(1000)
    vi.advanceTimersByTime(1000)
    expect(sent).toHaveLength(1001)
  })
})

describe('the sessions of one connection', () => {
  const channelFull = { code: 42_913, statusCode: 429 }
  const connectionFull = { code: 42_911, statusCode: 429 }

  it.each([40, Infinity])('wait alone while their channel is attached again, at a rate of %d', async (maxRate) => {
    const { session, names } = paced({ maxRate })
    const [held, other] = [session(), session()]
    let attach = () => {}
    held.own.hold(new Promise<void>((resolve) => (attach = resolve)))
    held.send('held text')
    held.send('held end', 'urgent')
    other.send('other')
    await vi.advanceTimersByTimeAsync(60_000)
    expect(names()).toEqual(['other'])
    attach()
    await vi.advanceTimersByTimeAsync(100)
    expect(names()).toEqual(['other', 'held end', 'held text'])
  })

  it.each([40, Infinity])('slow down alone when their channel is full, at a rate of %d', async (maxRate) => {
    const { session, sent, names } = paced({ maxRate })
    const [full, other] = [session(), session()]
    expect(full.own.slowDown(channelFull)).toBe(true)
    expect(full.own.slowDown(channelFull)).toBe(false)
    for (let index = 0; index < 5; index++) {
      full.send('full', index % 2 === 0 ? 'content' : 'urgent')
      other.send('other')
    }
    expect(names()).toEqual(Array.from({ length: 5 }, () => 'other'))
    await vi.advanceTimersByTimeAsync(1000)
    const times = sent.filter(({ name }) => name === 'full').map(({ at }) => at)
    expect(times).toHaveLength(5)
    expect(times[0]).toBeGreaterThanOrEqual(250)
    expect(times.at(-1)! - times[0]!).toBeGreaterThanOrEqual(4 * 35)
  })

  it('all slow down when the connection publishes too much', () => {
    const { session, names } = paced()
    const [first, other] = [session(), session()]
    expect(first.own.slowDown(connectionFull)).toBe(true)
    other.send('other', 'urgent')
    expect(names()).toEqual([])
    vi.advanceTimersByTime(1000)
    expect(names()).toEqual(['other'])
  })

  it('try again at different moments after a refusal', async () => {
    const moments = new Set<number>()
    for (let index = 0; index < 20; index++) {
      const { session, sent } = paced()
      const { own, send } = session()
      own.slowDown(channelFull)
      send('again')
      await vi.advanceTimersByTimeAsync(1000)
      moments.add(sent[0]!.at)
    }
    expect(moments.size).toBeGreaterThan(5)
  })
})
