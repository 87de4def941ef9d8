/** A suggestion in an empty conversation. */
export interface Scenario {
  readonly kind: 'alongside' | 'interrupt' | 'ask' | 'steer'
  readonly title: string
  /** The description of a card; without it the scenario is a small button. */
  readonly detail?: string
  readonly icon: string
  /** The prompts in order. With `interrupt` the second one stops the first, with `steer` it steers the first. */
  readonly prompts: readonly string[]
}

export const scenarios: readonly Scenario[] = [
  {
    kind: 'alongside',
    icon: 'columns',
    title: 'Two questions at once',
    detail: 'Two answers side by side. Stop one, and the other continues.',
    prompts: ['Plan a weekend in Lisbon for two', 'And what would three nights in Porto cost?'],
  },
  {
    kind: 'interrupt',
    icon: 'turn',
    title: 'Change my mind',
    detail: 'Stop an answer in mid-sentence and ask a better question.',
    prompts: ['Plan a weekend in Lisbon for two', 'Actually, make it five days'],
  },
  {
    kind: 'ask',
    icon: 'table',
    title: 'Book a table',
    detail: 'The agent asks for approval. Answer here or on another device.',
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

/** The delay before the second prompt, in ms. */
export const secondThoughts = 3000
