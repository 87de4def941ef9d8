import { createLocalEndpoint } from '../../src/local'
import { formats } from '../support/local'
import type { Target } from './stage'

/** A service that the contract is checked on. */
export interface Subject {
  service: string
  /** Starts the service. */
  open(): Promise<{ target: Target; close(): Promise<void> }>
}

/** The endpoint on this machine. */
const local: Subject = {
  service: 'the local endpoint',
  async open() {
    const endpoint = await createLocalEndpoint()
    const { key = '', ...place } = endpoint.clientOptions()
    return { target: { key, place, mutable: 'ai', remainPresentFor: 1_000, pause: 0 }, close: () => endpoint.close() }
  },
}

/** Ably itself. The app of the key needs a rule that allows changes of messages in the namespace. */
const cloud = (key: string, mutable: string): Subject => ({
  service: 'Ably',
  open: () =>
    Promise.resolve({
      target: { key, place: {}, mutable, remainPresentFor: 15_000, pause: 1_000 },
      close: async () => {},
    }),
})

const { ABLY_API_KEY, ABLY_NAMESPACE = 'ai' } = process.env
const subjects = ABLY_API_KEY ? [local, cloud(ABLY_API_KEY, ABLY_NAMESPACE)] : [local]

/** Every service in every format: the local endpoint, and Ably itself if `ABLY_API_KEY` is set. */
export const cases = subjects.flatMap((subject) => formats.map((format) => ({ ...subject, ...format })))

/** The time limit of one behaviour, in ms. */
export const timeout = 300_000
