// In milliseconds
const tickInterval = 1000
const longestTick = 4000
const watchTime = 600_000

/**
 * Detects that the process stood still: then a timer is overdue. The answer is kept until it is asked for, because the overdue
 * timer may be the first callback after the freeze. The timer runs until ten minutes after the last question, and keeps no
 * process alive.
 */
export function freezeDetector(): () => boolean {
  let due = Infinity
  let askedAt = 0
  let wasFrozen = false
  // NOTE: by the wall clock, because other clocks may stand still with the process
  const look = (): void => {
    if (Date.now() <= due + longestTick) return
    wasFrozen = true
    due = Date.now()
  }
  const tick = (): void => {
    look()
    due = Infinity
    if (Date.now() - askedAt > watchTime) return
    due = Date.now() + tickInterval
    const timer: { unref?: () => void } | number = setTimeout(tick, tickInterval)
    if (typeof timer === 'object') timer.unref?.()
  }
  return () => {
    askedAt = Date.now()
    look()
    if (due === Infinity) tick()
    const answer = wasFrozen
    wasFrozen = false
    return answer
  }
}
