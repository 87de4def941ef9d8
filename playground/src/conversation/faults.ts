import type { FaultKind, FaultOrder } from '../../shared/faults'

/** A button of the fault drawer. */
export interface Fault {
  readonly kind: FaultKind
  readonly title: string
  readonly what: string
  readonly seconds?: number
}

/** What can be made to go wrong, and with whom. */
export const faultGroups: readonly { readonly title: string; readonly faults: readonly Fault[] }[] = [
  {
    title: 'My connection',
    faults: [
      { kind: 'network', title: 'Drop the network', what: 'Comes back where it left off.', seconds: 8 },
      { kind: 'network', title: 'Drop it for long', what: 'The banner says so after 15 s.', seconds: 25 },
      {
        kind: 'continuity',
        title: 'Lose continuity',
        what: 'Back as a new connection: all is read again.',
        seconds: 5,
      },
      {
        kind: 'publish',
        title: 'Refuse what I send',
        what: 'Prompts and Stops stay here, with a reason.',
        seconds: 10,
      },
    ],
  },
  {
    title: 'The agent',
    faults: [
      { kind: 'down', title: 'Answer 500', what: 'Prompts arrive, the agent is woken again and again.', seconds: 10 },
      { kind: 'busy', title: 'Answer 429', what: 'Too much to do: come again later.', seconds: 8 },
      { kind: 'forbidden', title: 'Answer 403', what: 'Final, until you try again yourself.', seconds: 10 },
      { kind: 'stubborn', title: 'Refuse every Stop', what: 'The agent says no, and goes on.', seconds: 15 },
      { kind: 'kill', title: 'Kill the agent', what: 'Its runs stay as they are, and nobody heeds Stop.' },
      { kind: 'restart', title: 'Start it again', what: 'The next prompt is answered.' },
    ],
  },
]

/** What is to be asked for a tool that never looks at its signal. */
export const slowToolPrompt = 'Measure the tide, however long it takes'

/** Asks the dev server to make something go wrong. @throws Error when it does not */
export async function causeFault(kind: FaultKind, order: FaultOrder): Promise<void> {
  const headers = { 'content-type': 'application/json' }
  const response = await fetch(`/api/faults/${kind}`, { method: 'POST', headers, body: JSON.stringify(order) })
  if (!response.ok) throw new Error(`unable to cause this; the dev server answered ${response.status}`)
}
