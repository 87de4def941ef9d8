import { describe, expect, it, vi } from 'vitest'
import { RunPublisher, type PublishingChannel } from '../../src/agent/run-publisher'
import type { OutgoingMessage } from '../../src/core/wire'
import { freeChannel } from '../support/free-channel'

const message = { name: 'ai-run-end', extras: { ai: { transport: {} } } }

function publisherOn(publishOne: () => Promise<string>) {
  const channel = { publishOne, append: vi.fn<() => void>(), update: vi.fn<() => void>() }
  const report = vi.fn<PublishingChannel['report']>()
  return { publisher: new RunPublisher(freeChannel(channel, report)), channel, report }
}

const declareEnd = (publisher: RunPublisher): Promise<string> => publisher.declare('end the run', message)

describe('RunPublisher', () => {
  it('publishes nothing once it is closed', async () => {
    const publish = vi.fn<() => Promise<string>>(async () => 'serial')
    const { publisher, channel } = publisherOn(publish)
    await publisher.publish(message)
    publisher.shut()
    const { extras } = message
    const attempts = [
      publisher.publish(message),
      declareEnd(publisher),
      publisher.append('serial', 'x', extras),
      publisher.update('serial', 'x', extras),
    ]
    for (const attempt of attempts) await expect(attempt).rejects.toMatchObject({ code: 104004 })
    expect(publish).toHaveBeenCalledTimes(1)
    expect(channel.append).not.toHaveBeenCalled()
    expect(channel.update).not.toHaveBeenCalled()
  })

  it("retries if the channel's rate is exceeded, but not without the capability", async () => {
    vi.useFakeTimers()
    const busy = vi.fn<() => Promise<string>>(async () => 'serial')
    busy.mockRejectedValueOnce({ statusCode: 429 }).mockRejectedValueOnce({ statusCode: 500 })
    const { publisher, report } = publisherOn(busy)
    const insisting = declareEnd(publisher)
    await vi.runAllTimersAsync()
    expect(await insisting).toBe('serial')
    expect(busy).toHaveBeenCalledTimes(3)
    expect(report.mock.calls).toMatchObject([[{ code: 42911 }]])
    vi.useRealTimers()

    const forbidden = vi.fn<() => Promise<string>>(() => Promise.reject({ statusCode: 401, code: 40_160 })) // oxlint-disable-line
    await expect(declareEnd(publisherOn(forbidden).publisher)).rejects.toMatchObject({ cause: { statusCode: 401 } })
    expect(forbidden).toHaveBeenCalledTimes(1)
  })

  it('reports which rate was exceeded', async () => {
    vi.useFakeTimers()
    const busy = vi.fn<() => Promise<string>>(async () => 'serial')
    busy.mockRejectedValueOnce({ statusCode: 429, code: 42_913 })
    const { publisher, report } = publisherOn(busy)
    const insisting = declareEnd(publisher)
    await vi.runAllTimersAsync()
    expect(await insisting).toBe('serial')
    expect(report.mock.calls).toMatchObject([[{ code: 42_913 }]])
    vi.useRealTimers()
  })

  it('retries while the network is down, and publishes under one id', async () => {
    vi.useFakeTimers()
    const publish = vi.fn<(given: OutgoingMessage) => Promise<string>>()
    publish.mockRejectedValue({ statusCode: 400, code: 80_002 })
    const way = freeChannel({ publishOne: publish })
    const isHeldUp = vi.spyOn(way.uplink, 'isHeldUp', 'get').mockReturnValue(true)
    const insisting = declareEnd(new RunPublisher(way))
    await vi.advanceTimersByTimeAsync(600_000)
    publish.mockResolvedValue('serial')
    await vi.runAllTimersAsync()
    expect(await insisting).toBe('serial')
    expect(new Set(publish.mock.calls.map(([{ id }]) => id)).size).toBe(1)

    publish.mockRejectedValue({ statusCode: 400, code: 80_017 })
    isHeldUp.mockReturnValue(false)
    const closed = declareEnd(new RunPublisher(way)).catch((error: unknown) => error)
    await vi.runAllTimersAsync()
    expect(await closed).toMatchObject({ cause: { code: 80_017 } })
    vi.useRealTimers()
  })

  it('retries an output three times under one id, and an essential message for two minutes', async () => {
    vi.useFakeTimers()
    const broken = { statusCode: 500, code: 50_000 }
    const publish = vi.fn<(given: OutgoingMessage) => Promise<string>>()
    const publisher = new RunPublisher(freeChannel({ publishOne: publish }))
    publish.mockRejectedValueOnce(broken).mockRejectedValueOnce(broken).mockResolvedValueOnce('serial')
    const publishing = publisher.publish(message)
    await vi.runAllTimersAsync()
    expect(await publishing).toBe('serial')
    expect(new Set(publish.mock.calls.map(([{ id }]) => id)).size).toBe(1)

    publish.mockClear().mockRejectedValue(broken)
    const failing = publisher.publish(message).catch((error: unknown) => error)
    await vi.runAllTimersAsync()
    expect(await failing).toBe(broken)
    expect(publish).toHaveBeenCalledTimes(3)

    const insisting = declareEnd(publisher)
    await vi.advanceTimersByTimeAsync(110_000)
    publish.mockResolvedValueOnce('late')
    await vi.runAllTimersAsync()
    expect(await insisting).toBe('late')

    const before = performance.now()
    const lost = declareEnd(publisher).catch((error: unknown) => error)
    await vi.runAllTimersAsync()
    expect(await lost).toHaveProperty('cause', broken)
    expect(performance.now() - before).toBeGreaterThanOrEqual(120_000)
    expect(performance.now() - before).toBeLessThan(130_000)
    vi.useRealTimers()
  })

  it('does not wait for a client that was closed', async () => {
    vi.useFakeTimers()
    const closed = { statusCode: 400, code: 80_017 }
    const publish = vi.fn<() => Promise<string>>(() => Promise.reject(closed)) // oxlint-disable-line
    const before = performance.now()
    const insisting = declareEnd(publisherOn(publish).publisher).catch((error: unknown) => error)
    await vi.runAllTimersAsync()
    expect(await insisting).toHaveProperty('cause', closed)
    expect(performance.now() - before).toBeLessThan(2000)
    vi.useRealTimers()
  })
})
