import { afterEach, beforeEach, vi } from 'vitest'

/**
 * Fails each test of a file whose components print a warning or an error, as a hydration mismatch does.
 *
 * @param cleanUp - Called after each test, before the console is looked at.
 */
export function guardConsole(cleanUp: () => void): void {
  const complaints: string[] = []
  beforeEach(() => {
    for (const name of ['warn', 'error'] as const) {
      vi.spyOn(console, name).mockImplementation(
        (...given: unknown[]) => void complaints.push(given.map(String).join(' ')),
      )
    }
  })
  afterEach(() => {
    cleanUp()
    const told = complaints.splice(0).filter((each) => !each.includes('<Suspense> is an experimental feature'))
    vi.restoreAllMocks()
    if (told.length > 0) throw new Error(`the console says: ${told.join('; ')}`)
  })
}
