import { describe, expect, it, vi } from 'vitest'
import { Outlet, type Way } from '../../src/agent/outlet'
import { freeWay } from '../support/free-way'

const message = { name: 'ai-run-end', extras: { ai: { transport: {} } } }

function outletOn(publishOne: () => Promise<string>) {
  const channel = { publishOne, append: vi.fn<() => void>(), update: vi.fn<() => void>() }
  const report = vi.fn<Way['report']>()
  return { outlet: new Outlet(freeWay(channel, report)), channel, report }
}

describe('Outlet', () => {
  it('lets nothing through once it is shut', async () => {
    const publish = vi.fn<() => Promise<string>>(async () => 'serial')
    const { outlet, channel } = outletOn(publish)
    await outlet.publish(message)
    outlet.shut()
    const { extras } = message
    const attempts = [
      outlet.publish(message),
      outlet.insist(message),
      outlet.append('serial', 'x', extras),
      outlet.update('serial', 'x', extras),
    ]
    for (const attempt of attempts) await expect(attempt).rejects.toMatchObject({ code: 104004 })
    expect(publish).toHaveBeenCalledTimes(1)
    expect(channel.append).not.toHaveBeenCalled()
    expect(channel.update).not.toHaveBeenCalled()
  })

  it('tries again when the channel is too busy, but not when it may not publish', async () => {
    vi.useFakeTimers()
    const busy = vi.fn<() => Promise<string>>(async () => 'serial')
    busy.mockRejectedValueOnce({ statusCode: 429 }).mockRejectedValueOnce({ statusCode: 500 })
    const { outlet, report } = outletOn(busy)
    const insisting = outlet.insist(message)
    await vi.runAllTimersAsync()
    expect(await insisting).toBe('serial')
    expect(busy).toHaveBeenCalledTimes(3)
    expect(report.mock.calls).toMatchObject([[{ code: 42911 }]])
    vi.useRealTimers()

    const forbidden = vi.fn<() => Promise<string>>(() => Promise.reject({ statusCode: 401 })) // oxlint-disable-line
    await expect(outletOn(forbidden).outlet.insist(message)).rejects.toMatchObject({ statusCode: 401 })
    expect(forbidden).toHaveBeenCalledTimes(1)
  })
})
