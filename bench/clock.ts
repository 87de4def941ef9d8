/** Below this many milliseconds the system's count of a thread's work is too coarse. */
const coarse = 20

/** Milliseconds that this thread has worked, independent of other processes. */
const worked = (): number => {
  const { user, system } = process.threadCpuUsage()
  return (user + system) / 1000
}

/** Starts to measure; the returned function answers with the milliseconds of work since, for short work those that passed. */
export function startClock(): () => number {
  const [work, wall] = [worked(), performance.now()]
  return () => {
    const time = worked() - work
    return time > coarse ? time : performance.now() - wall
  }
}
