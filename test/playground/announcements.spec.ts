import { effectScope, nextTick, ref, shallowRef, watch } from 'vue'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import type { RunInfo } from '../../src'
import { useAnnouncements } from '../../playground/src/composables/useAnnouncements'
import { useOutage } from '../../playground/src/composables/useOutage'
import type { Exchange } from '../../playground/src/conversation/layout'
import type { Link } from '../../playground/src/conversation/link'

beforeEach(() => void vi.useFakeTimers())
afterEach(() => void vi.useRealTimers())

/** What a screen reader hears while the connection goes through this: a state, and for how many ms it lasts. */
async function heard(...course: [Link, number][]): Promise<string[]> {
  const said: string[] = []
  const link = ref<Link>('connected')
  const exchanges = shallowRef<readonly Exchange[]>([])
  const scope = effectScope()
  scope.run(() => {
    const outages = useOutage(link, exchanges)
    const { news, alert } = useAnnouncements(shallowRef<readonly RunInfo[]>([]), exchanges, link, outages, ref(true))
    watch([news, alert], (now, before) => {
      for (const [index, words] of now.entries()) if (words && words !== before[index]) said.push(words)
    })
  })
  for (const [state, ms] of course) {
    link.value = state
    await nextTick()
    await vi.advanceTimersByTimeAsync(ms)
  }
  scope.stop()
  return said
}

const lost = 'Connection lost. Reconnecting.'

describe('the end of an outage is told to those who listen in one sentence, once', () => {
  test('after one that is over before it is shown', async () => {
    expect(await heard(['reconnecting', 500], ['connected', 8000])).toEqual([lost, 'Reconnected.'])
  })

  test.for([2000, 2100, 5000, 20_000])('after one of %i ms, with what was missed', async (ms) => {
    expect(await heard(['reconnecting', ms], ['connected', 8000])).toEqual([lost, "Back online. You're up to date."])
  })

  test('after one whose messages have to be read again', async () => {
    const said = await heard(['reconnecting', 3000], ['repairing', 400], ['connected', 8000])
    expect(said).toEqual([lost, "Back online. You're up to date."])
    expect(await heard(['reconnecting', 300], ['repairing', 400], ['connected', 8000])).toEqual([lost, 'Reconnected.'])
  })

  test('after each of two short ones', async () => {
    const twice = await heard(['reconnecting', 300], ['connected', 900], ['reconnecting', 300], ['connected', 900])
    expect(twice).toEqual([lost, 'Reconnected.', lost, 'Reconnected.'])
  })

  test('not when the connection is lost again before it is told', async () => {
    const said = await heard(['reconnecting', 3000], ['connected', 200], ['reconnecting', 2500], ['connected', 8000])
    expect(said).toEqual([lost, lost, "Back online. You're up to date."])
  })
})
