import type { FileUIPart, UIMessage } from 'ai'

/** The speed of the demo model's answer. It is part of the prompt, so all devices see the same answer. */
export interface Pace {
  tokensPerSecond: number
}

export const paces = { slow: 12, normal: 28, fast: 50 } as const

export type PaceName = keyof typeof paces

const partType = 'data-pace'
const fastest = 2000

/** Creates a prompt with a pace for its answer. */
export const promptWithPace = (
  text: string,
  tokensPerSecond: number,
  files: readonly FileUIPart[] = [],
): UIMessage => ({
  id: crypto.randomUUID(),
  role: 'user',
  parts: [...files, { type: 'text', text }, { type: partType, data: { tokensPerSecond } satisfies Pace }],
})

/** The pace of the last prompt. */
export function paceOf(messages: readonly UIMessage[]): number {
  const part = messages.findLast(({ role }) => role === 'user')?.parts.find(({ type }) => type === partType)
  const wanted = Number((part as { data?: Partial<Pace> } | undefined)?.data?.tokensPerSecond)
  return wanted > 0 ? Math.min(wanted, fastest) : paces.normal
}
