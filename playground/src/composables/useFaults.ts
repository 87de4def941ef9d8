import { computed, onScopeDispose, shallowRef } from 'vue'
import type { ActiveFault } from '../../shared/faults'
import { activeWords, causeFault } from '../conversation/faults'
import { useNow } from './useNow'

/** An active failure, as the page shows it. */
export interface ShownFault {
  readonly key: string
  readonly kind: ActiveFault['kind']
  readonly words: string
  /** Seconds until it ends by itself. */
  readonly left: number | undefined
  /** Ends it now. */
  end(): Promise<void>
}

/** The failures that are active on the dev server, also those that other clients have started. */
export function useFaults(me: string) {
  const active = shallowRef<readonly (ActiveFault & { readonly endsAt?: number })[]>([])
  const now = useNow(() => active.value.length > 0)

  const hear = ({ data }: MessageEvent<string>) => {
    const heardAt = Date.now()
    active.value = (JSON.parse(data) as ActiveFault[]).map((fault) =>
      fault.endsIn === undefined ? fault : { ...fault, endsAt: heardAt + fault.endsIn },
    )
  }
  let feed: EventSource | undefined
  const leave = () => {
    feed?.close()
    feed = undefined
  }
  // NOTE: a browser keeps six connections to a server, so a hidden tab leaves its own
  const listen = () => {
    leave()
    if (document.hidden) return
    feed = new EventSource('/api/faults/')
    feed.addEventListener('message', hear)
  }
  listen()
  document.addEventListener('visibilitychange', listen)
  onScopeDispose(() => {
    document.removeEventListener('visibilitychange', listen)
    leave()
  })

  return computed(() =>
    active.value.map((fault): ShownFault => {
      const { kind, clientId = me, endsAt } = fault
      return {
        key: `${kind} ${clientId}`,
        kind,
        words: activeWords(fault, me),
        left: endsAt === undefined ? undefined : Math.max(0, Math.ceil((endsAt - now.value) / 1000)),
        end: () => causeFault(kind === 'kill' ? 'restart' : kind, { clientId, seconds: 0 }),
      }
    }),
  )
}
