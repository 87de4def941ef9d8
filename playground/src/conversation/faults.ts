import type { FaultKind, FaultOrder } from '../../shared/faults'

/** A button of the failure drawer. */
export interface Fault {
  readonly kind: FaultKind
  readonly title: string
  readonly effect: string
  readonly seconds?: number
}

/** The failures of the drawer, by group. */
export const faultGroups: readonly { readonly title: string; readonly faults: readonly Fault[] }[] = [
  {
    title: 'My connection',
    faults: [
      { kind: 'network', title: 'Drop the network', effect: 'Resumes where it left off.', seconds: 8 },
      { kind: 'network', title: 'Drop it for longer', effect: 'The banner shows the time after 15 s.', seconds: 25 },
      {
        kind: 'continuity',
        title: 'Lose continuity',
        effect: 'Gets a new connection and reads the history again.',
        seconds: 5,
      },
      {
        kind: 'publish',
        title: 'Refuse my messages',
        effect: 'Prompts and Stops fail with a reason.',
        seconds: 10,
      },
    ],
  },
  {
    title: 'The agent',
    faults: [
      {
        kind: 'down',
        title: 'Respond with 500',
        effect: 'Prompts arrive. The page keeps trying to wake the agent.',
        seconds: 10,
      },
      { kind: 'busy', title: 'Respond with 429', effect: 'Overloaded. The page tries again later.', seconds: 8 },
      { kind: 'forbidden', title: 'Respond with 403', effect: 'Final, until you try again.', seconds: 10 },
      { kind: 'stubborn', title: 'Refuse every Stop', effect: 'The agent refuses and continues.', seconds: 15 },
      { kind: 'kill', title: 'Kill the agent', effect: 'Its runs stay unfinished, and Stop gets no response.' },
      { kind: 'restart', title: 'Restart the agent', effect: 'It answers the next prompt.' },
    ],
  },
]

/** The prompt for a tool that ignores its abort signal. */
export const slowToolPrompt = 'Measure the tide, however long it takes'

/** Starts a failure on the dev server. @throws Error if the server refuses */
export async function causeFault(kind: FaultKind, order: FaultOrder): Promise<void> {
  const headers = { 'content-type': 'application/json' }
  const response = await fetch(`/api/faults/${kind}`, { method: 'POST', headers, body: JSON.stringify(order) })
  if (!response.ok) throw new Error(`unable to simulate the failure; the dev server answered ${response.status}`)
}
