import * as Ably from 'ably'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { behaviours } from './behaviours'
import { perform } from './stage'
import { cases, timeout, type Subject } from './targets'

describe.each(cases)('$service, in Node with $format', { timeout }, ({ open, useBinaryProtocol }) => {
  let subject: Awaited<ReturnType<Subject['open']>>
  beforeAll(async () => void (subject = await open()))
  afterAll(() => subject.close())

  // NOTE: behaviours have separate clients and channels, and most of them wait
  test.concurrent.each(behaviours)('$name', async (behaviour) => {
    await expect(perform(behaviour, Ably, subject.target, useBinaryProtocol)).resolves.toBeUndefined()
  })
})
