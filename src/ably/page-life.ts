/** How long a page has to survive `beforeunload` until it counts as staying, in milliseconds. */
const stayTime = 1000

/**
 * Calls the listener when the page goes on after `beforeunload`, in which the SDK closes its connection: it comes back
 * by the back button, becomes visible, or is still there a moment later (a `mailto:` link, a download, a cancelled
 * "Leave site?"). Returns a function that removes it.
 *
 * @param wasOpenAt - Whether the connection was open at a moment of `performance.now()`: one that the app has closed
 * stays closed.
 */
export function onPageStays(listener: () => void, wasOpenAt: (moment: number) => boolean): () => void {
  if (typeof window === 'undefined' || typeof document === 'undefined') return () => undefined
  /** Runs while the page seems to be leaving. */
  let timer: ReturnType<typeof setTimeout> | undefined
  const leaving = ({ timeStamp }: Event): void => {
    // NOTE: by time, because the SDK closes its connection in this event too, and its listener comes first
    if (timer === undefined && !wasOpenAt(timeStamp)) return
    clearTimeout(timer)
    // NOTE: a page that has left runs no timers
    timer = setTimeout(stay, stayTime)
  }
  const stay = (): void => {
    if (timer === undefined) return
    clearTimeout(timer)
    timer = undefined
    listener()
  }
  const visible = (): void => {
    if (document.visibilityState === 'visible') stay()
  }
  // NOTE: a controller can stand for the options of a listener, which it ends by its signal
  const stop = new AbortController()
  window.addEventListener('beforeunload', leaving, stop)
  window.addEventListener('pageshow', stay, stop)
  document.addEventListener('visibilitychange', visible, stop)
  return () => {
    clearTimeout(timer)
    stop.abort()
  }
}
