/** The system counts a thread's work in steps of 4 ms or so: that of fewer milliseconds than these is not known well. */
const coarse = 20

/** Milliseconds that this thread has worked, independent of other processes. */
const worked = (): number => {
  const { user, system } = process.threadCpuUsage()
  return (user + system) / 1000
}

/**
 * Starts to measure; the returned function answers with the milliseconds of work since, for short work those that
 * passed, but at most `atMost`: on a busy machine more than the work.
 */
export function startClock(atMost = coarse): () => number {
  const [work, wall] = [worked(), performance.now()]
  return () => Math.min(performance.now() - wall, Math.max(worked() - work, atMost))
}
