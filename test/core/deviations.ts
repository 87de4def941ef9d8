import type { RecordedState } from '../support/transcripts'

/** The position of a state in a recording. */
export interface Moment {
  /** Whether the client received it live, read it from history, or selected a version in such a state. */
  from: 'live' | 'history' | 'selection'
  /** The number of messages the client had received; undefined means all. */
  afterWire?: number
}

interface Deviation {
  recording: string
  /** A wrong state of the recorded client, and the reason why another one is right. */
  reason: string
  /** Turns a recorded state into the right one. */
  right(state: RecordedState, moment: Moment): RecordedState
}

/**
 * Every place where the recorded client is wrong, with the right state. All other states are compared as
 * recorded.
 */
export const deviations: readonly Deviation[] = [
  {
    recording: 'message-metadata',
    reason: 'it replaces metadata; like the AI SDK, later metadata is merged over the earlier',
    right: (state) =>
      withReplies(state, ({ metadata, ...message }) => {
        const told = metadata as { tokens?: number; total?: number } | undefined
        const isFinished = told?.total !== undefined
        const merged = { model: 'x1', createdAt: 1, ...((isFinished || told?.tokens) && { tokens: 4 }) }
        return { ...message, metadata: { ...merged, ...(isFinished && { total: 9 }) } }
      }),
  },
  {
    recording: 'recovery-update-middle',
    reason: 'live it keeps the hole that a refused append left; the repair that follows has the whole text',
    right: (state, { from, afterWire }) =>
      from === 'live' && (afterWire ?? Infinity) >= 10
        ? replaced(state, '"Once a time."', '"Once upon a time."')
        : state,
  },
  {
    recording: 'tool-approval-approve',
    reason: 'it forgets the approval once there is an output; who approved what is still to be told',
    right: (state) =>
      withReplies(state, (message) =>
        replaced(
          message,
          '"state":"output-available"',
          '"approval":{"id":"appr-1","approved":true},"state":"output-available"',
        ),
      ),
  },
  {
    recording: 'tool-approval-deny',
    reason: 'it loses the id and the reason of a denial; both are on the wire',
    right: (state) =>
      replaced(state, '{"id":"","approved":false}', '{"id":"appr-1","approved":false,"reason":"too risky"}'),
  },
  {
    recording: 'steer-then-regenerate-tail',
    reason: 'it lists the newest reply although another one is picked, so that a Stop button points at the wrong run',
    right: (state, { from }) =>
      from === 'selection' ? { ...state, runs: state.runs.flatMap((run) => runShown(state, run)) } : state,
  },
  {
    recording: 'mid-stream-joiner',
    reason: 'it shows nothing of a reply whose prompt it has not read; the part that was heard shows as a root',
    right: (state, { from, afterWire = 7 }) => (from === 'live' ? heardLate(state, afterWire) : state),
  },
  {
    recording: 'mid-stream-joiner',
    reason: 'it doubles step-start when the live part was heard before history was read',
    right: (state) =>
      ['{"type":"step-start"}', '"step-start"'].reduce((all, part) => replaced(all, `${part},${part}`, part), state),
  },
]

/** The right state of a recording at one position. */
export function rightState(recording: string, state: RecordedState, moment: Moment): RecordedState {
  return deviations
    .filter((deviation) => deviation.recording === recording)
    .reduce((right, deviation) => deviation.right(right, moment), state)
}

type Message = RecordedState['messages'][number]['message']

const withReplies = (state: RecordedState, change: (message: Message) => Message): RecordedState => ({
  ...state,
  messages: state.messages.map(({ codecMessageId, message }) => ({
    codecMessageId,
    message: message.role === 'assistant' ? change(message) : message,
  })),
})

const replaced = <T>(value: T, before: string, after: string): T =>
  JSON.parse(JSON.stringify(value).replaceAll(before, after)) as T

/** The run whose reply is selected instead of the newest one. */
function runShown({ messages }: RecordedState, run: RecordedState['runs'][number]): RecordedState['runs'] {
  if (run.runId !== 'run-3') return [run]
  const last = messages.at(-1)!.codecMessageId
  if (last.endsWith('12')) return [run]
  return last.endsWith('09') ? [replaced(replaced(run, 'run-3', 'run-2'), 'inv-3', 'inv-2')] : []
}

const reply = '00000000-0000-4000-8000-000000000003'

function heardLate(state: RecordedState, afterWire: number): RecordedState {
  const text = afterWire > 1 ? 'Once upon a time.' : 'Once upon a '
  const parts = [{ type: 'step-start' as const }, { type: 'text' as const, text }]
  const status = afterWire === 7 ? 'complete' : 'active'
  return {
    ...state,
    messages: [{ codecMessageId: reply, message: { id: reply, role: 'assistant', parts } }],
    runs: [{ runId: 'run-1', clientId: 'alice', invocationId: 'inv-1', status, steps: [] }],
  }
}
