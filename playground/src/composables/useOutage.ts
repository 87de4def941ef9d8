import { computed, onScopeDispose, ref, shallowRef, watch, type Ref } from 'vue'
import { caughtUp, glanceAt, type Glance } from '../conversation/catch-up'
import type { Exchange } from '../conversation/exchange'
import type { Link } from '../conversation/link'
import { useNow } from './useNow'

/** A problem of the connection, or its end. */
export type Outage =
  | { readonly kind: 'away' | 'long'; readonly seconds: number }
  | { readonly kind: 'repairing' | 'gap' | 'failed' }
  | { readonly kind: 'back'; readonly words: string }

/** Whether the outage does not end by itself, so that its banner gets its own line. */
export const isLasting = ({ kind }: Outage): boolean => kind === 'gap' || kind === 'failed'

const tellAfter = 2000
const longAfter = 15_000
/** The time for missed messages to be drawn, and the time the summary is shown, in ms. */
const drawnWithin = 700
const shownFor = 6000

/** Outages for the banner and for screen readers. */
export interface Outages {
  /** An outage that has lasted long enough for a banner, or the summary after it. */
  readonly outage: Readonly<Ref<Outage | undefined>>
  /** The announcement of a return; a new object for each return. */
  readonly comeback: Readonly<Ref<{ readonly words: string } | undefined>>
}

/** @param arrived - settles once the messages that were missed have arrived */
export function useOutage(
  link: Readonly<Ref<Link>>,
  exchanges: Readonly<Ref<readonly Exchange[]>>,
  arrived: () => Promise<unknown>,
): Outages {
  const lostAt = ref<number>()
  const back = shallowRef<string>()
  const comeback = shallowRef<{ words: string }>()
  let before: Glance | undefined
  let timer: ReturnType<typeof setTimeout> | undefined
  const now = useNow(() => lostAt.value !== undefined)
  const away = computed(() => (lostAt.value === undefined ? 0 : now.value - lostAt.value))

  function leave(): void {
    clearTimeout(timer)
    back.value = undefined
    lostAt.value ??= Date.now()
    before ??= glanceAt(exchanges.value)
  }

  function comeBack(): void {
    if (lostAt.value === undefined) return
    const isToTell = Date.now() - lostAt.value >= tellAfter
    lostAt.value = undefined
    if (isToTell) return void summariseSoon()
    before = undefined
    comeback.value = { words: 'Reconnected.' }
  }

  async function summariseSoon(): Promise<void> {
    await arrived().catch(() => {})
    clearTimeout(timer)
    // The connection may have been lost again, or the summary be told already
    if (lostAt.value === undefined && before) timer = setTimeout(summarise, drawnWithin)
  }

  function summarise(): void {
    const words = caughtUp(before!, exchanges.value)
    before = undefined
    back.value = words
    comeback.value = { words: `Back online. ${words}` }
    timer = setTimeout(() => (back.value = undefined), shownFor)
  }

  watch(
    link,
    (now) => {
      if (now === 'reconnecting') leave()
      else if (now === 'connected') comeBack()
      else if (now !== 'repairing') lostAt.value = undefined
    },
    { immediate: true },
  )
  onScopeDispose(() => clearTimeout(timer))

  const outage = computed((): Outage | undefined => {
    if (link.value === 'failed' || link.value === 'gap') return { kind: link.value }
    if (back.value !== undefined) return { kind: 'back', words: back.value }
    if (away.value < tellAfter) return undefined
    if (link.value === 'repairing') return { kind: 'repairing' }
    const kind = away.value < longAfter ? 'away' : 'long'
    return { kind, seconds: Math.floor(away.value / 1000) }
  })
  return { outage, comeback }
}
