import { Session, type Profiler } from 'node:inspector'

// NOTE: counts only code that is compiled after this, so a test imports this file before the code that it
// counts
const session = new Session()
session.connect()
session.post('Profiler.enable')
session.post('Profiler.startPreciseCoverage', { callCount: true, detailed: true })

/** Counts the functions and blocks of `src/` that run. Unlike a time, the count is the same on every machine. */
export function stepsOf(work: () => void): number {
  takeCount()
  work()
  return takeCount()
}

/** The number of functions and blocks of `src/` that have run since the last call. */
function takeCount(): number {
  let count = 0
  session.post(
    'Profiler.takePreciseCoverage',
    (_: Error | null, { result }: Profiler.TakePreciseCoverageReturnType) => {
      const ranges = result
        .filter(({ url }) => url.includes('/src/') && !url.includes('/node_modules/'))
        .flatMap(({ functions }) => functions)
        .flatMap(({ ranges }) => ranges)
      count = ranges.reduce((sum, range) => sum + range.count, 0)
    },
  )
  return count
}
