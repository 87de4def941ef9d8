import type { FileUIPart, UIMessage } from 'ai'

/** The speed of the demo model's answer. It is part of the prompt, so all devices see the same answer. */
export interface Pace {
  tokensPerSecond: number
  /** The gate that the answer waits at, if a test holds one. */
  gate?: string
}

export const paces = { slow: 12, normal: 28, fast: 50 } as const

export type PaceName = keyof typeof paces

const partType = 'data-pace'
const fastest = 2000

/** Creates a prompt with a pace for its answer. */
export const promptWithPace = (text: string, pace: Pace, files: readonly FileUIPart[] = []): UIMessage => ({
  // NOTE: over plain http, as on a phone in the same network, `crypto.randomUUID` is missing
  id: Math.random().toString(36).slice(2),
  role: 'user',
  parts: [...files, { type: 'text', text }, { type: partType, data: pace }],
})

/** The pace of the last prompt. */
export function paceOf(messages: readonly UIMessage[]): Pace {
  const part = messages.findLast(({ role }) => role === 'user')?.parts.find(({ type }) => type === partType)
  const { tokensPerSecond, gate } = (part as { data?: Partial<Pace> } | undefined)?.data ?? {}
  const wanted = Number(tokensPerSecond)
  return {
    tokensPerSecond: wanted > 0 ? Math.min(wanted, fastest) : paces.normal,
    ...(typeof gate === 'string' && { gate }),
  }
}
