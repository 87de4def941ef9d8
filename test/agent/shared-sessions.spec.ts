import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { SharedSessions } from '../../src/agent/shared-sessions'

beforeEach(() => void vi.useFakeTimers())
afterEach(() => void vi.useRealTimers())

function shared() {
  const detach = vi.fn<() => Promise<void>>(async () => {})
  const end = vi.fn<() => Promise<void>>(async () => {})
  type Session = { name: string; detach: () => Promise<void>; end: () => Promise<void> }
  const create = vi.fn<(name: string) => Promise<Session>>(async (name) => ({ name, detach, end }))
  return { sessions: new SharedSessions(create), create, detach, end }
}

describe('SharedSessions', () => {
  it('gives concurrent runs on one channel the same session', async () => {
    const { sessions, create } = shared()
    const [one, two, other] = await Promise.all(['ai:a', 'ai:a', 'ai:b'].map((name) => sessions.acquire(name)))
    expect(one!.session).toBe(two!.session)
    expect(other!.session).not.toBe(one!.session)
    expect(create.mock.calls.length).toBeGreaterThanOrEqual(2)
  })

  it('detaches some time after the last run ended', async () => {
    const { sessions, detach } = shared()
    const one = await sessions.acquire('ai:a')
    const two = await sessions.acquire('ai:a')
    one.release()
    await vi.advanceTimersByTimeAsync(60_000)
    expect(detach).not.toHaveBeenCalled()
    two.release()
    expect(detach).not.toHaveBeenCalled()
    await vi.advanceTimersByTimeAsync(2000)
    expect(detach).toHaveBeenCalledTimes(1)
    expect(vi.getTimerCount()).toBe(0)
  })

  it('stays attached if the next prompt arrives soon', async () => {
    const { sessions, detach, create } = shared()
    const one = await sessions.acquire('ai:a')
    one.release()
    await vi.advanceTimersByTimeAsync(1000)
    const two = await sessions.acquire('ai:a')
    await vi.advanceTimersByTimeAsync(60_000)
    expect(two.session).toBe(one.session)
    expect(detach).not.toHaveBeenCalled()
    expect(create).toHaveBeenCalledTimes(1)
  })

  it('releases the oldest unused channel if very many are unused', async () => {
    const { sessions, detach } = shared()
    const names = Array.from({ length: 51 }, (_, index) => `ai:${index}`)
    const leases = await Promise.all(names.map((name) => sessions.acquire(name)))
    for (const lease of leases.slice(0, 50)) lease.release(600_000)
    expect(detach).not.toHaveBeenCalled()
    leases[50]!.release(700_000)
    expect(detach).toHaveBeenCalledTimes(1)
    const first = await sessions.acquire('ai:0')
    expect(first.session).not.toBe(leases[0]!.session)
    expect((await sessions.acquire('ai:50')).session).toBe(leases[50]!.session)
  })

  it('keeps a session that is being acquired while unused ones are released', async () => {
    const { sessions } = shared()
    const names = Array.from({ length: 70 }, (_, index) => `ai:${index}`)
    const leases = await Promise.all(names.map((name) => sessions.acquire(name)))
    for (const lease of leases.slice(0, 50)) lease.release(600_000)
    const acquiring = sessions.acquire('ai:new')
    // One between any two steps of it
    for (const lease of leases.slice(50)) {
      lease.release(600_000)
      await Promise.resolve()
    }
    const { session } = await acquiring
    expect((await sessions.acquire('ai:new')).session).toBe(session)
  })

  it('keeps a session for the longest time that a release asked for, even if shorter ones follow', async () => {
    const { sessions, detach } = shared()
    const waiting = await sessions.acquire('ai:a')
    const other = await sessions.acquire('ai:a')
    waiting.release(600_000)
    other.release()
    await vi.advanceTimersByTimeAsync(599_000)
    expect(detach).not.toHaveBeenCalled()
    await vi.advanceTimersByTimeAsync(1000)
    expect(detach).toHaveBeenCalledTimes(1)
  })

  it('ends all sessions when it closes, unused ones too, and creates none after that', async () => {
    const { sessions, end, detach } = shared()
    await sessions.acquire('ai:a')
    const idle = await sessions.acquire('ai:b')
    idle.release()
    await sessions.close(5000)
    expect(end).toHaveBeenCalledTimes(2)
    await expect(sessions.acquire('ai:a')).rejects.toMatchObject({ code: 104004 })
    await vi.advanceTimersByTimeAsync(60_000)
    expect(detach).not.toHaveBeenCalled()
  })

  it('counts two releases of one run as one', async () => {
    const { sessions, detach } = shared()
    const one = await sessions.acquire('ai:a')
    await sessions.acquire('ai:a')
    one.release()
    one.release()
    await vi.advanceTimersByTimeAsync(60_000)
    expect(detach).not.toHaveBeenCalled()
  })

  it('creates a new session after a failure', async () => {
    const { sessions, create } = shared()
    create.mockRejectedValueOnce(new Error('no client'))
    await expect(sessions.acquire('ai:a')).rejects.toThrow('no client')
    await expect(sessions.acquire('ai:a')).resolves.toBeDefined()
  })
})
