/** Milliseconds below which work is not known well: the system counts it in steps of about 4 ms. */
const coarse = 20

/** Milliseconds that this thread has worked, independent of other processes. */
const worked = (): number => {
  const { user, system } = process.threadCpuUsage()
  return (user + system) / 1000
}

/**
 * Starts to measure; the returned function answers with the milliseconds of work since. Short work is measured by the
 * time that has passed, in which other processes may have worked, too: up to `atMost` milliseconds.
 */
export function startClock(atMost = coarse): () => number {
  const [work, wall] = [worked(), performance.now()]
  return () => Math.min(performance.now() - wall, Math.max(worked() - work, atMost))
}
