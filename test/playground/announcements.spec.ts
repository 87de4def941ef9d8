import { effectScope, nextTick, ref, shallowRef, watch } from 'vue'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import type { RunInfo } from '../../src'
import { useAnnouncements } from '../../playground/src/composables/useAnnouncements'
import { useOutage } from '../../playground/src/composables/useOutage'
import type { Exchange } from '../../playground/src/conversation/exchange'
import type { Link } from '../../playground/src/conversation/link'

beforeEach(() => void vi.useFakeTimers())
afterEach(() => void vi.useRealTimers())

/** The announcements of a screen reader while the connection goes through these states, each for some ms. */
async function heard(...course: [Link, number][]): Promise<string[]> {
  return heardWith(() => Promise.resolve(), ...course)
}

/** The same; `arrived` settles once the missed messages have arrived. */
async function heardWith(arrived: () => Promise<unknown>, ...course: [Link, number][]): Promise<string[]> {
  const said: string[] = []
  const link = ref<Link>('connected')
  const exchanges = shallowRef<readonly Exchange[]>([])
  const scope = effectScope()
  scope.run(() => {
    const outages = useOutage(link, exchanges, arrived)
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

describe('the end of an outage is announced once, in one sentence,', () => {
  test('after an outage that is over before it is shown', async () => {
    expect(await heard(['reconnecting', 500], ['connected', 8000])).toEqual([lost, 'Reconnected.'])
  })

  test.for([2000, 2100, 5000, 20_000])('after an outage of %i ms, with the result', async (ms) => {
    expect(await heard(['reconnecting', ms], ['connected', 8000])).toEqual([lost, "Back online. You're up to date."])
  })

  test('after an outage whose messages must be read from history', async () => {
    const said = await heard(['reconnecting', 3000], ['repairing', 400], ['connected', 8000])
    expect(said).toEqual([lost, "Back online. You're up to date."])
    expect(await heard(['reconnecting', 300], ['repairing', 400], ['connected', 8000])).toEqual([lost, 'Reconnected.'])
  })

  test('only once the missed messages have arrived, or cannot', async () => {
    const course: [Link, number][] = [
      ['reconnecting', 3000],
      ['connected', 8000],
    ]
    expect(await heardWith(() => new Promise(() => {}), ...course)).toEqual([lost])
    const refused = () => Promise.reject(new Error('refused'))
    expect(await heardWith(refused, ...course)).toEqual([lost, "Back online. You're up to date."])
  })

  test('after each of two short outages', async () => {
    const twice = await heard(['reconnecting', 300], ['connected', 900], ['reconnecting', 300], ['connected', 900])
    expect(twice).toEqual([lost, 'Reconnected.', lost, 'Reconnected.'])
  })

  test('unless the connection is lost again before the announcement', async () => {
    const said = await heard(['reconnecting', 3000], ['connected', 200], ['reconnecting', 2500], ['connected', 8000])
    expect(said).toEqual([lost, lost, "Back online. You're up to date."])
  })
})
