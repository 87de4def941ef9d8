import type { TestEndpoint } from '../support/local'

/**
 * Cuts so many connections off, one after the other, by a fixed sequence of random numbers.
 * @param among how many connections there are
 */
export async function dropSome(endpoint: TestEndpoint, { count, among }: { count: number; among: number }) {
  let seed = 1
  const random = () => (seed = (seed * 48_271) % 2_147_483_647) / 2_147_483_647
  for (let dropped = 0; dropped < count;) {
    const chosen = Math.floor(random() * among)
    let position = 0
    try {
      endpoint.dropConnection(() => chosen === position++)
      dropped++
    } catch {
      // NOTE: there are fewer at the moment, since some have not come back yet
    }
    await new Promise((resolve) => setTimeout(resolve, 20))
  }
}
