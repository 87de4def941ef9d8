import { jsonSchema, tool, type ToolSet } from 'ai'

const inputSchema = jsonSchema<{ city: string }>({
  type: 'object',
  properties: { city: { type: 'string' } },
  required: ['city'],
})

/** Runs until the Stop. */
const untilStopped = (signal: AbortSignal | undefined): Promise<string> =>
  new Promise((_, reject) => signal?.addEventListener('abort', () => reject(signal.reason as Error)))

/** The tools of the agent, named by the way they run. */
export const toolsOf = (gate: Promise<void>): ToolSet => ({
  /** Runs on the agent until the Stop. */
  weather: tool({ inputSchema, execute: (_, { abortSignal }) => untilStopped(abortSignal) }),
  /** Has its output at once. */
  clock: tool({ inputSchema, execute: () => 'noon' }),
  /** Has its output when the test lets it. */
  hotels: tool({ inputSchema, execute: () => gate.then(() => 'two') }),
  /** Runs on the client. */
  place: tool({ inputSchema }),
  /** Needs approval, then runs until the Stop. */
  book: tool({ inputSchema, needsApproval: true, execute: (_, { abortSignal }) => untilStopped(abortSignal) }),
  /** Needs approval, then has its output at once. */
  pay: tool({ inputSchema, needsApproval: true, execute: () => 'paid' }),
  /** Tells its progress until the Stop. */
  report: tool({
    inputSchema,
    async *execute(_, { abortSignal }) {
      yield 'half'
      await untilStopped(abortSignal)
    },
  }),
})
