import type { BusyVerb } from 'vue-ai-transport'
import type { Device } from '../devices/messages'
import { isOver, type CardStatus } from './status'

/** One step of a scene. It shows its caption, acts, and ends once its condition holds. */
export interface Step {
  readonly caption: string
  readonly act?: (stage: Stage) => unknown
  readonly until?: (stage: Stage) => boolean
}

/** A short demonstration that plays by itself. */
export interface Scene {
  readonly id: 'mind' | 'two' | 'tunnel' | 'phone'
  readonly title: string
  readonly detail: string
  readonly steps: readonly Step[]
  /** The last caption: what happened. */
  readonly end: (stage: Stage) => string
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

const is = (run: number, status: CardStatus) => (stage: Stage) => stage.statusOf(run) === status
// NOTE: a paused scene does not hold the answers, so each step also goes on from an answer that has ended
const ended = (run: number) => (stage: Stage) => {
  const status = stage.statusOf(run)
  return status !== undefined && isOver(status)
}
const streams = (run: number, tokens: number) => (stage: Stage) =>
  ended(run)(stage) || (is(run, 'streaming')(stage) && stage.tokensOf(run) >= tokens)

/** The last caption of a scene that stops the first answer, which may have ended before. */
const ifStopped = (words: string) => (stage: Stage) =>
  is(1, 'cancelled')(stage) ? words : 'The first answer ended before its Stop. Play the scene again at a slower speed.'

const question = (until: Step['until']): Step => ({
  caption: 'A question, and its answer streams.',
  act: (stage) => stage.say(lisbon),
  until,
})

export const scenes: readonly Scene[] = [
  {
    id: 'mind',
    title: 'Change my mind',
    detail: 'Stop an answer in mid-sentence and ask a better question.',
    steps: [
      question(streams(1, 30)),
      {
        caption: 'A better question: Stop and send.',
        act: (stage) => stage.say('Actually, make it five days', 'interrupt'),
        until: (stage) => ended(1)(stage) && streams(2, 20)(stage),
      },
    ],
    end: ifStopped('The first answer stopped where it was, and its text is kept. The new one starts clean.'),
  },
  {
    id: 'two',
    title: 'Two questions at once',
    detail: 'Two answers side by side. Stop one, and the other continues.',
    steps: [
      question(streams(1, 20)),
      {
        caption: 'A second question does not wait for the first.',
        act: (stage) => stage.say(porto, 'alongside'),
        until: streams(2, 30),
      },
      {
        caption: 'Each answer has its own Stop.',
        act: (stage) => stage.stop(1),
        until: (stage) => ended(1)(stage) && streams(2, 1)(stage),
      },
    ],
    end: ifStopped('One answer stopped, and the other continues.'),
  },
  {
    id: 'tunnel',
    title: 'Train tunnel',
    detail: 'Lose the connection in the middle of an answer, and lose nothing else.',
    steps: [
      question(streams(1, 30)),
      {
        caption: 'Into the tunnel: no connection for 8 seconds.',
        act: (stage) => stage.cut(8),
        until: (stage) => !stage.isConnected(),
      },
      {
        caption: 'A message that is written offline waits for the connection.',
        act: (stage) => stage.say(porto, 'alongside'),
      },
      {
        caption: 'The agent keeps writing in the meantime.',
        until: (stage) => stage.isConnected() && ended(1)(stage) && ended(2)(stage),
      },
    ],
    end: () => 'Back online. Nothing is missing, and nothing was sent twice.',
  },
  {
    id: 'phone',
    title: 'Phone stops laptop',
    detail: 'Ask on a laptop, and stop the answer from a phone.',
    steps: [
      {
        caption: 'The laptop asks.',
        act: (stage) => stage.say(lisbon, undefined, 'laptop'),
        until: streams(1, 0),
      },
      {
        caption: 'Both show the answer. The phone stops it.',
        act: (stage) => stage.stop(1, 'phone'),
        until: ended(1),
      },
    ],
    end: ifStopped('The Stop travelled on the channel, so any device can send it.'),
  },
]
