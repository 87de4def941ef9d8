/** Something to try in an empty conversation. */
export interface Scenario {
  readonly kind: 'alongside' | 'interrupt' | 'ask' | 'steer'
  readonly title: string
  /** What is to be seen; only the first few say it. */
  readonly what?: string
  readonly icon: string
  /** Sent in this order; with `interrupt` the second one stops the first a moment later, with `steer` it is said to it. */
  readonly prompts: readonly string[]
}

export const scenarios: readonly Scenario[] = [
  {
    kind: 'alongside',
    icon: 'columns',
    title: 'Two questions at once',
    what: 'Two answers side by side. Stop one, and the other goes on.',
    prompts: ['Plan a weekend in Lisbon for two', 'And what would three nights in Porto cost?'],
  },
  {
    kind: 'interrupt',
    icon: 'turn',
    title: 'Change my mind',
    what: 'An answer is stopped in mid-sentence, and a better question takes its place.',
    prompts: ['Plan a weekend in Lisbon for two', 'Actually, make it five days'],
  },
  {
    kind: 'ask',
    icon: 'table',
    title: 'Book a table',
    what: 'The agent asks you first. Say yes or no, here or on another device.',
    prompts: ['Book a table for two on Friday'],
  },
  {
    kind: 'steer',
    icon: 'steer',
    title: 'Steer it',
    prompts: ['Plan a weekend in Lisbon for two', 'We do not eat fish'],
  },
  { kind: 'ask', icon: 'think', title: 'Think first', prompts: ['Think first: is Sintra worth a day?'] },
  { kind: 'ask', icon: 'search', title: 'Look it up', prompts: ['Look up where to hear fado'] },
  { kind: 'ask', icon: 'paint', title: 'Paint it', prompts: ['Paint the Tagus at dusk'] },
  { kind: 'ask', icon: 'question', title: 'How does Stop work?', prompts: ['How does Stop work?'] },
]

/** How long the first answer gets before the second prompt is sent, in ms. */
export const secondThoughts = 3000
