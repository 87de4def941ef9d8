const lanes = 6

/**
 * The colour of a prompt, from 1. It depends on the prompt's id only, so all devices agree on it.
 *
 * @param taken - exchanges whose colours are not available
 */
export function freeLane(id: string, taken: readonly { readonly lane: number }[]): number {
  const used = new Set(taken.length < lanes ? taken.map(({ lane }) => lane) : [])
  let lane = hashOf(id) % lanes
  while (used.has(lane + 1)) lane = (lane + 1) % lanes
  return lane + 1
}

function hashOf(text: string): number {
  let hash = 0
  for (let index = 0; index < text.length; index++) hash = (hash * 31 + text.charCodeAt(index)) >>> 0
  return hash
}

/** The colour of a run everywhere on the page. */
export const colourOf = (lane: number): string => `var(--lane-${lane})`
