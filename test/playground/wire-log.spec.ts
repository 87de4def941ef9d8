import type { InboundMessage } from 'ably'
import { expect, it } from 'vitest'
import { fixtureOf, gistOf, titleOfEvent, WireLog } from '../../playground/src/conversation/wire-log'

const message = (serial: string, action: string, headers: Record<string, string>, data?: string, name = 'ai-output') =>
  ({ serial, action, name, data, extras: { ai: { transport: headers } } }) as unknown as InboundMessage

const append = (serial: string, data: string) =>
  message(serial, 'message.append', { 'run-id': `run of ${serial}` }, data)

it('appends to one message are one event, also between appends to others', () => {
  const log = new WireLog()
  log.add(message('1', 'message.create', { 'run-id': 'run of 1' }, ''))
  for (const data of ['a', 'b', 'c']) {
    log.add(append('1', data))
    log.add(append('2', data.toUpperCase()))
  }
  expect(log.events.map((event) => [titleOfEvent(event), gistOf(event)])).toEqual([
    ['output', ''],
    ['output, 3 appends', 'abc'],
    ['output, 3 appends', 'ABC'],
  ])
  log.add(message('3', 'message.create', {}, undefined, 'ai-cancel'))
  log.add(append('1', 'd'))
  expect(log.events.map(titleOfEvent).slice(-2)).toEqual(['cancel', 'output, 1 append'])
})

it('keeps the newest 500 events, and counts the others', () => {
  const log = new WireLog()
  for (let index = 0; index < 700; index++) log.add(message(String(index), 'message.create', {}))
  expect(log.events).toHaveLength(500)
  expect(log.events.at(-1)!.message.serial).toBe('699')
  expect(log.dropped).toBe(200)
  expect(JSON.parse(fixtureOf(log.events))).toHaveLength(500)
})

it('finds the run of a prompt once the run has started', () => {
  const log = new WireLog()
  log.add(message('1', 'message.create', { 'codec-message-id': 'prompt' }, 'hello', 'ai-input'))
  const [prompt] = log.events
  expect(log.runOf(prompt!)).toBeUndefined()
  log.add(
    message('2', 'message.create', { 'run-id': 'r1', 'input-codec-message-id': 'prompt' }, undefined, 'ai-run-start'),
  )
  expect(log.events.map((event) => log.runOf(event))).toEqual(['r1', 'r1'])
})
