import type { InboundMessage } from 'ably'
import { Events, type Run } from './events.ts'

/** The messages before the events, and the messages of one event after the other. */
export interface EventScene {
  before?: readonly InboundMessage[]
  event(index: number): readonly InboundMessage[]
  /** The number of messages that the view shows after this many events. */
  shown(count: number): number
}

/** Kinds of events that a session can receive in large numbers, by name; `most` is the number of events there will be. */
export const eventScenes: Record<string, (events: Events, most: number) => EventScene> = {
  'plain turns': (events) => ({ event: turns(events), shown: (count) => 2 * count }),

  'pending prompts'(events) {
    let last: string | undefined
    return {
      event() {
        const id = events.id()
        const prompt = events.prompt({ id, parent: last })
        last = id
        return [prompt]
      },
      shown: (count) => count,
    }
  },

  'sibling prompts'(events) {
    const { run, messages } = firstTurn(events)
    return { before: messages, event: () => [events.prompt({ parent: run.reply })], shown: (count) => 2 + count }
  },

  'answered edits of one prompt'(events) {
    const { run, messages } = firstTurn(events)
    return { before: messages, event: () => answered(events, { forkOf: run.input }), shown: () => 2 }
  },

  'edits of one prompt'(events) {
    const { run, messages } = firstTurn(events)
    // NOTE: an edit by another client leaves the view where it is
    return { before: messages, event: () => [events.prompt({ forkOf: run.input })], shown: () => 2 }
  },

  'chain of edits'(events) {
    const { run, messages } = firstTurn(events)
    let last = run.input
    return {
      before: messages,
      event() {
        const id = events.id()
        const prompt = events.prompt({ id, forkOf: last })
        last = id
        return [prompt]
      },
      shown: () => 2,
    }
  },

  'regenerations of one reply'(events) {
    const { run, messages } = firstTurn(events)
    return {
      before: messages,
      event() {
        const id = events.id()
        const another = events.run(id, { parent: run.input, regenerates: run.reply })
        return [events.request(id, run.input, run.reply), ...written(events, another)]
      },
      shown: () => 2,
    }
  },

  'runs of one prompt'(events) {
    const { run, messages } = firstTurn(events)
    return { before: messages, event: () => written(events, events.run(run.input)), shown: () => 2 }
  },

  'runs inside each other'(events) {
    const { run, messages } = firstTurn(events)
    const second = events.id()
    let inside = { parent: run.reply, regenerates: second }
    return {
      before: [...messages, events.text(run, { id: second })],
      event() {
        const input = events.id()
        const another = events.run(input, inside)
        const last = events.id()
        const request = events.request(input, inside.parent, inside.regenerates)
        inside = { parent: another.reply, regenerates: last }
        return [
          request,
          events.start(another),
          events.text(another),
          events.text(another, { id: last }),
          events.end(another),
        ]
      },
      shown: (count) => 3 + count,
    }
  },

  'active runs': (events) => ({
    event() {
      const id = events.id()
      const run = events.run(id)
      return [events.prompt({ id }), events.start(run), events.text(run)]
    },
    shown: (count) => 2 * count,
  }),

  // Prompts that were sent one after the other, before any was answered
  'replies within a chain of prompts'(events, most) {
    const ids = Array.from({ length: most }, () => events.id())
    return {
      before: ids.map((id, index) => events.prompt({ id, parent: ids[index - 1] })),
      event: (index) => written(events, events.run(ids[index]!)),
      shown: (count) => most + count,
    }
  },

  'suspended runs': (events) => ({
    event: () => suspended(events).messages,
    shown: (count) => 2 * count,
  }),

  steers(events) {
    const { run, messages } = firstTurn(events, { isOpen: true })
    return { before: messages, event: () => [events.prompt({ runId: run.id })], shown: (count) => 2 + count }
  },

  steps(events) {
    const { run, messages } = firstTurn(events, { isOpen: true })
    return {
      before: messages,
      event() {
        const stepId = events.id()
        const start = events.stepStart(run, stepId)
        const attempt = start.serial!
        const text = events.text(run, { 'step-id': stepId, 'step-start-serial': attempt })
        return [start, text, events.stepEnd(run, stepId, attempt)]
      },
      shown: () => 2,
    }
  },

  'attempts of a step'(events) {
    const { run, messages } = firstTurn(events, { isOpen: true })
    return {
      before: messages,
      event() {
        const start = events.stepStart(run, 'step')
        return [start, events.text(run, { 'step-id': 'step', 'step-start-serial': start.serial! })]
      },
      shown: () => 2,
    }
  },

  'suspends and resumes'(events) {
    const { run, messages } = suspended(events)
    return { before: messages, event: () => [events.resume(run), events.suspend(run)], shown: () => 2 }
  },

  'cancels of one run'(events) {
    const { run, messages } = firstTurn(events, { isOpen: true })
    return { before: messages, event: () => [events.cancel({ runId: run.id })], shown: () => 2 }
  },

  'cancels of one prompt'(events) {
    const inputId = events.id()
    return { before: [events.prompt({ id: inputId })], event: () => [events.cancel({ inputId })], shown: () => 1 }
  },

  'cancels of one run by many clients'(events) {
    const { run, messages } = firstTurn(events, { isOpen: true })
    return {
      before: messages,
      event: (index) => [events.cancel({ runId: run.id }, `client-${index}`)],
      shown: () => 2,
    }
  },

  'refused cancels of one run'(events) {
    const { run, messages } = firstTurn(events, { isOpen: true })
    return {
      before: messages,
      event() {
        const cancel = events.cancel({ runId: run.id })
        return [cancel, events.refusal(run, cancel)]
      },
      shown: () => 2,
    }
  },

  'steps of a cancelled run'(events) {
    const { run, messages } = firstTurn(events, { isOpen: true })
    return {
      before: [...messages, events.cancel({ runId: run.id })],
      event: () => [events.stepStart(run, events.id())],
      shown: () => 2,
    }
  },

  'cancelled prompts': (events) => ({
    event() {
      const id = events.id()
      return [events.prompt({ id }), events.cancel({ inputId: id })]
    },
    shown: (count) => count,
  }),

  forks: (events) => ({
    event() {
      const { run, messages } = suspended(events)
      return [...messages, events.fork(events.id(), run)]
    },
    shown: (count) => 2 * count,
  }),

  'forks of one run'(events) {
    const { run, messages } = suspended(events)
    return { before: messages, event: () => [events.fork(events.id(), run)], shown: () => 2 }
  },

  'plain turns, newest first': (events, most) => {
    const turn = turns(events)
    const all: (readonly InboundMessage[])[] = []
    return {
      event(index) {
        if (index === 0) all.push(...Array.from({ length: most }, () => turn().toReversed()))
        return all.pop()!
      },
      shown: (count) => 2 * count,
    }
  },
}

/** Turns that follow one another. */
function turns(events: Events): () => InboundMessage[] {
  let last: string | undefined
  return () => {
    const id = events.id()
    const run = events.run(id)
    const prompt = events.prompt({ id, parent: last })
    last = run.reply
    return [prompt, ...written(events, run)]
  }
}

/** A prompt with a reply, as the start of a conversation. */
function firstTurn(events: Events, { isOpen = false } = {}): { run: Run; messages: InboundMessage[] } {
  const id = events.id()
  const run = events.run(id)
  const messages = [events.prompt({ id }), events.start(run), events.text(run)]
  return { run, messages: isOpen ? messages : [...messages, events.end(run)] }
}

function suspended(events: Events): { run: Run; messages: InboundMessage[] } {
  const id = events.id()
  const run = events.run(id)
  return { run, messages: [events.prompt({ id }), events.start(run), events.call(run), events.suspend(run)] }
}

function answered(events: Events, place: { forkOf?: string; parent?: string }): InboundMessage[] {
  const id = events.id()
  return [events.prompt({ id, ...place }), ...written(events, events.run(id))]
}

const written = (events: Events, run: Run): InboundMessage[] => [events.start(run), events.text(run), events.end(run)]
