import type { BusyVerb } from 'vue-ai-transport'
import type { Device } from '../devices/messages'
import type { CardStatus } from './status'

/** One step of a scene. Its caption is shown before it happens. */
export type Step = { readonly caption?: string } & (
  | { readonly say: string; readonly way?: BusyVerb; readonly on?: Device['kind'] }
  /** Stops the nth run. */
  | { readonly stop: number; readonly on?: Device['kind'] }
  /** Waits until the nth run has a status, and, if it is streaming, some tokens. */
  | { readonly run: number; readonly is: CardStatus; readonly tokens?: number }
  /** Cuts the connection for some seconds. */
  | { readonly cut: number }
  | { readonly link: 'connected' | 'reconnecting' }
)

/** A short demonstration that plays by itself. */
export interface Scene {
  readonly id: 'mind' | 'two' | 'tunnel' | 'phone'
  readonly title: string
  readonly detail: string
  readonly steps: readonly Step[]
  /** The last caption. */
  readonly end: string
}

/** Where a scene plays. Its runs are counted from 1. */
export interface Stage {
  /** Begins to count the runs anew. */
  begin(): void
  /** Types the text and sends it. */
  say(text: string, way?: BusyVerb, on?: Device['kind']): Promise<void>
  stop(run: number, on?: Device['kind']): void
  cut(seconds: number): void
  statusOf(run: number): CardStatus | undefined
  tokensOf(run: number): number
  isConnected(): boolean
}

const lisbon = 'Plan a weekend in Lisbon for two'
const porto = 'And what would three nights in Porto cost?'

export const scenes: readonly Scene[] = [
  {
    id: 'mind',
    title: 'Change my mind',
    detail: 'Stop an answer in mid-sentence and ask a better question.',
    steps: [
      { caption: 'A question, and its answer streams.', say: lisbon },
      { run: 1, is: 'streaming', tokens: 30 },
      { caption: 'A better question: Stop and send.', say: 'Actually, make it five days', way: 'interrupt' },
      { run: 1, is: 'cancelled' },
      { run: 2, is: 'streaming', tokens: 20 },
    ],
    end: 'The first answer stopped where it was, and its text is kept. The new one starts clean.',
  },
  {
    id: 'two',
    title: 'Two questions at once',
    detail: 'Two answers side by side. Stop one, and the other continues.',
    steps: [
      { caption: 'A question, and its answer streams.', say: lisbon },
      { run: 1, is: 'streaming', tokens: 20 },
      { caption: 'A second question does not wait for the first.', say: porto, way: 'alongside' },
      { run: 2, is: 'streaming', tokens: 30 },
      { caption: 'Each answer has its own Stop.', stop: 1 },
      { run: 1, is: 'cancelled' },
      { run: 2, is: 'streaming' },
    ],
    end: 'One answer stopped, and the other continues.',
  },
  {
    id: 'tunnel',
    title: 'Train tunnel',
    detail: 'Lose the connection in the middle of an answer, and lose nothing else.',
    steps: [
      { caption: 'A question, and its answer streams.', say: lisbon },
      { run: 1, is: 'streaming', tokens: 30 },
      { caption: 'Into the tunnel: no connection for 8 seconds.', cut: 8 },
      { link: 'reconnecting' },
      { caption: 'A message that is written offline waits for the connection.', say: porto, way: 'alongside' },
      { caption: 'The agent keeps writing in the meantime.', link: 'connected' },
      { run: 1, is: 'complete' },
      { run: 2, is: 'complete' },
    ],
    end: 'Both answers are complete. Nothing is missing, and nothing was sent twice.',
  },
  {
    id: 'phone',
    title: 'Phone stops laptop',
    detail: 'Ask on a laptop, and stop the answer from a phone.',
    steps: [
      { caption: 'The laptop asks.', say: lisbon, on: 'laptop' },
      { run: 1, is: 'streaming' },
      { caption: 'Both show the answer. The phone stops it.', stop: 1, on: 'phone' },
      { run: 1, is: 'cancelled' },
    ],
    end: 'The Stop travelled on the channel, so any device can send it.',
  },
]
