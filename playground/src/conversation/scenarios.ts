/** A suggestion in an empty conversation. */
export interface Scenario {
  readonly title: string
  readonly icon: string
  readonly prompt: string
  /** A text that steers the answer a moment later. */
  readonly steer?: string
}

export const scenarios: readonly Scenario[] = [
  { icon: 'table', title: 'Book a table', prompt: 'Book a table for two on Friday' },
  { icon: 'steer', title: 'Steer it', prompt: 'Plan a weekend in Lisbon for two', steer: 'We do not eat fish' },
  { icon: 'think', title: 'Think first', prompt: 'Think first: is Sintra worth a day?' },
  { icon: 'search', title: 'Look it up', prompt: 'Look up where to hear fado' },
  { icon: 'paint', title: 'Paint it', prompt: 'Paint the Tagus at dusk' },
  { icon: 'question', title: 'How Stop works', prompt: 'How does Stop work?' },
]

/** The delay before the steer, in ms. */
export const secondThoughts = 3000
