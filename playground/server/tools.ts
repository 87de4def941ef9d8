import { jsonSchema, tool, type UIMessageStreamWriter } from 'ai'

const objectOf = <T>(properties: Record<string, { type: 'string' | 'number' }>) =>
  jsonSchema<T>({ type: 'object', properties, required: Object.keys(properties), additionalProperties: false })

const text = { type: 'string' } as const

/** The agent's tools, which take their time with `work`. */
export const toolsWith = (
  writer: UIMessageStreamWriter,
  work: (ms: number, signal?: AbortSignal) => Promise<void>,
) => ({
  book_table: tool({
    description: 'Books a table in a restaurant.',
    inputSchema: objectOf<{ restaurant: string; day: string; time: string; people: number }>({
      restaurant: text,
      day: text,
      time: text,
      people: { type: 'number' },
    }),
    async execute({ restaurant, day, time }, { abortSignal }) {
      await work(1500, abortSignal)
      return { booking: 'CC-2041', restaurant, when: `${day}, ${time}` }
    },
  }),
  read_guides: tool({
    description: 'Reads travel guides about a topic.',
    inputSchema: objectOf<{ topic: string; city: string }>({ topic: text, city: text }),
    async execute({ topic }, { abortSignal }) {
      const all = 4
      for (let done = 0; done <= all; done++) {
        writer.write({ type: 'data-progress', id: 'guides', data: { label: `Reading about ${topic}`, done, of: all } })
        await work(500, abortSignal)
      }
      return { read: all, useful: 3 }
    },
  }),
  measure_tide: tool({
    description: 'Measures the tide by the quay. It is slow and cannot be stopped.',
    inputSchema: objectOf<{ place: string }>({ place: text }),
    async execute({ place }) {
      // NOTE: like a tool that ignores its abort signal
      await work(6000)
      return { place, metres: 2.4 }
    },
  }),
})

/** Tools that need approval. */
export const toolApproval = { book_table: 'user-approval' } as const
