import type { ActiveFault, FaultKind, FaultOrder } from '../../shared/faults'

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
      { kind: 'rate', title: 'Limit my rate', effect: 'Prompts and Stops wait, and then go out.', seconds: 8 },
      { kind: 'duplicate', title: 'Receive everything twice', effect: 'The conversation stays the same.', seconds: 15 },
      { kind: 'reorder', title: 'Receive in the wrong order', effect: 'The conversation stays the same.', seconds: 15 },
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
      {
        kind: 'late',
        title: 'Delay every Stop',
        effect: 'The agent writes on until it hears of the Stop.',
        seconds: 6,
      },
      { kind: 'kill', title: 'Kill the agent', effect: 'Its runs stay unfinished, and Stop gets no response.' },
      { kind: 'restart', title: 'Restart the agent', effect: 'It answers the next prompt.' },
    ],
  },
]

/** The words for an active failure, as seen by a client. */
export function activeWords({ kind, clientId }: ActiveFault, me: string): string {
  const words: Readonly<Record<ActiveFault['kind'], string>> = {
    network: 'Network dropped',
    continuity: 'Continuity lost',
    publish: 'Messages refused',
    rate: 'Rate limited',
    duplicate: 'Everything twice',
    reorder: 'Wrong order',
    down: 'Agent responds with 500',
    busy: 'Agent responds with 429',
    forbidden: 'Agent responds with 403',
    stubborn: 'Every Stop refused',
    late: 'Every Stop delayed',
    kill: 'Agent killed',
  }
  return clientId === undefined || clientId === me ? words[kind] : `${words[kind]} (${clientId})`
}

/** The prompt for a tool that ignores its abort signal. */
export const slowToolPrompt = 'Measure the tide, however long it takes'

/** Starts a failure on the dev server. @throws Error if the server refuses */
export async function causeFault(kind: FaultKind, order: FaultOrder): Promise<void> {
  const headers = { 'content-type': 'application/json' }
  const response = await fetch(`/api/faults/${kind}`, { method: 'POST', headers, body: JSON.stringify(order) })
  if (!response.ok) throw new Error(`unable to simulate the failure; the dev server answered ${response.status}`)
}
