/** Something to try in an empty conversation. */
export interface Scenario {
  readonly kind: 'alongside' | 'interrupt' | 'ask'
  readonly title: string
  readonly what: string
  /** Sent in this order; with `interrupt` the second one stops the first a moment later. */
  readonly prompts: readonly string[]
}

export const scenarios: readonly Scenario[] = [
  {
    kind: 'alongside',
    title: 'Two questions at once',
    what: 'Two answers side by side. Stop one, and the other goes on.',
    prompts: ['Plan a weekend in Lisbon for two', 'And what would three nights in Porto cost?'],
  },
  {
    kind: 'interrupt',
    title: 'Change my mind',
    what: 'An answer is stopped in mid-sentence, and a better question takes its place.',
    prompts: ['Plan a weekend in Lisbon for two', 'Actually, make it five days'],
  },
  {
    kind: 'ask',
    title: 'How does Stop work?',
    what: 'What happens between the button and the model, in one answer.',
    prompts: ['How does Stop work?'],
  },
]

/** How long the first answer of "Change my mind" gets, in ms. */
export const secondThoughts = 3000
