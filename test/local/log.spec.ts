import { stepsOf } from '../support/steps'
import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { ChannelLog, type Entry } from '../../src/local/channel/log'
import type { StoredMessage } from '../../src/local/channel/message'
import { createSerials, messageSerial } from '../../src/local/channel/serial'
import { MessageAction } from '../../src/local/wire/protocol'

const toMessage = (data: string, serial: string): StoredMessage => {
  const [timestamp, action] = [0, MessageAction.Create]
  return { id: data, data, timestamp, action, serial, version: { serial, timestamp } }
}

function scene() {
  const next = createSerials(() => 0, 'boot')
  let bytes = 0
  const log = new ChannelLog(next, (delta) => (bytes += delta))
  const publish = (...batch: string[]) => {
    const channelSerial = log.reserve()
    const messages = batch.map((data, i) => toMessage(data, messageSerial(channelSerial, i)))
    return log.add(channelSerial, messages)
  }
  const append = (entry: Entry, data: string) => {
    const version = { serial: messageSerial(next()), timestamp: 1 }
    return log.apply(entry, { action: MessageAction.Append, content: { data }, version })
  }
  return { log, publish, append, bytes: () => bytes }
}

const datas = (entries: Iterable<Entry>) => [...entries].map(({ message }) => message.data)

describe('serials', () => {
  test('rise if the clock stands still, jumps ahead or goes back', () => {
    let now = 0
    const next = createSerials(() => now, 'boot')
    const serials = Array.from({ length: 3_500 }, (_, i) => {
      if (i === 2_000) now = 2
      if (i === 3_000) now = 1
      return next()
    })
    expect(serials).toEqual([...new Set(serials)].toSorted((a, b) => (a < b ? -1 : 1)))
    expect(serials[0]).toMatch(/^\d{14}-\d{3}@boot$/)
  })
})

describe('the log', () => {
  test('contains each message once, in the order of creation, in its newest state', () => {
    const { log, publish, append } = scene()
    const [first] = publish('a').entries
    publish('b', 'c')
    append(first!, '!')
    expect(datas(log.read({ forwards: true }))).toEqual(['a!', 'b', 'c'])
    expect(datas(log.read({ forwards: false }))).toEqual(['c', 'b', 'a!'])
  })

  test('lists the changes after any position that it covers', () => {
    const { log, publish, append } = scene()
    const start = log.head
    const [first] = publish('a').entries
    const seen = publish('b').channelSerial
    append(first!, '!')
    publish('c')
    expect(datas(log.changedAfter(seen))).toEqual(['a!', 'c'])
    expect(datas(log.changedAfter(log.head))).toEqual([])
    expect([start, seen, log.head].map((serial) => log.covers(serial))).toEqual([true, true, true])
    expect(['', 'x', seen.replace('boot', 'other'), `${log.head}x`].map((serial) => log.covers(serial))).toEqual([
      false,
      false,
      false,
      false,
    ])
  })

  test('covers no position before a break', () => {
    const { log, publish } = scene()
    const { channelSerial } = publish('a')
    log.breakContinuity()
    expect([log.covers(channelSerial), log.covers(log.head)]).toEqual([false, true])
  })

  test('advances its head even for a change whose version is old', () => {
    const { log, publish } = scene()
    const [first] = publish('a').entries
    const version = { serial: first!.message.serial, timestamp: 1 }
    const { channelSerial: before } = publish('b')
    const event = log.apply(first!, { action: MessageAction.Update, content: { data: 'A' }, version })
    expect(event.channelSerial > before).toBe(true)
    expect(datas(log.changedAfter(before))).toEqual(['A'])
  })

  test('keeps a hundred versions at most', () => {
    const { log, publish } = scene()
    const [entry] = publish('a').entries
    for (let i = 0; i < 250; i++) {
      const version = { serial: messageSerial(log.head), timestamp: i }
      log.apply(entry!, { action: MessageAction.Update, content: { data: String(i) }, version })
    }
    expect(entry!.versions).toHaveLength(100)
    expect(entry!.versions.at(-1)?.data).toBe('249')
  })

  test('merges missed deliveries into one', () => {
    const step = fc.record({ append: fc.boolean(), pick: fc.nat(), data: fc.string({ minLength: 1, maxLength: 3 }) })
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), fc.nat(60), (steps, cut) => {
        const { log, publish, append } = scene()
        const seen = new Map<string, unknown>()
        let position = log.head
        steps.forEach(({ append: isAppend, pick, data }, i) => {
          const entries = [...log.read({ forwards: true })]
          const target = entries[pick % Math.max(entries.length, 1)]
          const event = isAppend && target ? append(target, data) : publish(data)
          if (i >= cut) return
          position = event.channelSerial
          for (const { message } of event.entries) seen.set(message.serial, message.data)
        })
        for (const { message } of log.changedAfter(position)) seen.set(message.serial, message.data)
        expect([...seen.values()]).toEqual(datas(log.read({ forwards: true })))
      }),
    )
  })

  test('frees all memory of dropped messages', () => {
    const { log, publish, append, bytes } = scene()
    for (let i = 0; i < 50; i++) append(publish('abc').entries[0]!, 'def')
    const full = bytes()
    for (let i = 0; i < 25; i++) log.evict()
    expect([bytes(), log.size]).toEqual([full / 2, 25])
    while (log.size > 0) log.evict()
    log.evict()
    expect([bytes(), datas(log.read({ forwards: true }))]).toEqual([0, []])
    expect(datas(publish('again').entries)).toEqual(['again'])
  })

  test('uses no memory for changes of dropped messages', () => {
    const { log, publish, append, bytes } = scene()
    const [entry] = publish('abc').entries
    log.evict()
    append(entry!, 'def')
    expect(bytes()).toBe(0)
  })

  test('has a constant cost per append, however long the message is', () => {
    const { publish, append } = scene()
    const [entry] = publish('').entries
    const thousand = () =>
      stepsOf(() => {
        for (let i = 0; i < 1_000; i++) append(entry!, 'a token of text')
      })
    const steps = Array.from({ length: 60 }, thousand)
    expect(steps.at(-1)).toBeLessThan(steps[1]! * 1.5)
  })
})
