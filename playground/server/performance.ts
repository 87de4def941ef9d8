import type { LanguageModelV4Prompt } from '@ai-sdk/provider'
import { answerTo, isToFail } from './answers'
import { dusk } from './painting'

/** One action of the demo model. */
export type Beat =
  | { kind: 'reasoning' | 'text'; text: string }
  | { kind: 'tool'; name: string; input: Record<string, unknown> }
  | { kind: 'source'; url: string; title: string }
  | { kind: 'picture'; png: string }
  | { kind: 'fail' }

type Message = LanguageModelV4Prompt[number]

/** The demo model's actions for a prompt. The same prompt always gives the same actions. */
export function performanceFor(prompt: LanguageModelV4Prompt): readonly Beat[] {
  const question = lastQuestion(prompt)
  const result = resultSince(prompt)
  const text = answerTo(question)
  if (isToFail(question)) return [{ kind: 'text', text: text.slice(0, text.length * failAfter) }, { kind: 'fail' }]
  if (/\bbook\b.*\btable\b/i.test(question)) return booking(result)
  if (/\bhostile\b/i.test(question)) return [...traps, { kind: 'text', text }]
  if (/\blook up\b/i.test(question)) return result ? [...guides, { kind: 'text', text }] : lookingUp
  if (/\bmeasure\b/i.test(question)) return result ? [{ kind: 'text', text }] : measuring
  if (/\bthink\b/i.test(question))
    return [
      { kind: 'reasoning', text: thoughts },
      { kind: 'text', text },
    ]
  if (/\bpaint\b/i.test(question))
    return [
      { kind: 'text', text },
      { kind: 'picture', png: dusk() },
    ]
  return [{ kind: 'text', text }]
}

const failAfter = 0.45

const table = { restaurant: 'Cervejaria do Cais', day: 'Friday', time: '20:30', people: 2 }

function booking(result: ToolResult | undefined): readonly Beat[] {
  if (!result) {
    const text = 'Friday is busy by the river, but the *Cervejaria do Cais* has a table at half past eight.'
    return [
      { kind: 'text', text },
      { kind: 'tool', name: 'book_table', input: table },
    ]
  }
  if (result.type === 'execution-denied' || result.type === 'error-text') {
    const reason = result.reason ?? result.value
    const because = typeof reason === 'string' ? ` You said: *${reason}*. ` : ' '
    return [
      {
        kind: 'text',
        text: `No table is booked, then.${because}Tell me another day or another place, and I look again.`,
      },
    ]
  }
  return [
    {
      kind: 'text',
      text: 'Done: **Friday, 20:30, two people**, under the number in the card above. They keep a table for a quarter of an hour, so do not let the funicular make you late. If your plans change, tell me before Friday noon.',
    },
  ]
}

const lookingUp: readonly Beat[] = [{ kind: 'tool', name: 'read_guides', input: { topic: 'fado', city: 'Lisbon' } }]

const measuring: readonly Beat[] = [{ kind: 'tool', name: 'measure_tide', input: { place: 'Cais das Colunas' } }]

const guides: readonly Beat[] = [
  { kind: 'source', url: 'https://www.museudofado.pt/', title: 'Museu do Fado' },
  { kind: 'source', url: 'https://www.visitlisboa.com/', title: 'Visit Lisboa' },
  {
    kind: 'source',
    url: 'https://ich.unesco.org/en/RL/fado-urban-popular-song-of-portugal-00563',
    title: 'Fado, UNESCO',
  },
]

/** Sources with unsafe links, as a manipulated model might write them. */
const traps: readonly Beat[] = [
  { kind: 'source', url: 'javascript:alert(1)', title: 'Click me' },
  { kind: 'source', url: 'data:text/html,<script>alert(1)</script>', title: '<img src=x onerror=alert(1)>' },
  { kind: 'source', url: 'vbscript:x', title: '' },
]

const thoughts = `They have a weekend, and Sintra is forty minutes away, so a day there costs half of what they have.

What speaks for it: the palaces have no equal, and the hills are ten degrees cooler in August. What speaks against it: the queue at Pena is an hour at noon, and the road up is one long bus.

So it is worth it, but only early, and only with one palace. I should say which, and when to turn back.`

interface ToolResult {
  type: string
  value?: unknown
  reason?: string
}

/** The result of the tool call since the last prompt, if there is one. */
function resultSince(prompt: LanguageModelV4Prompt): ToolResult | undefined {
  const asked = prompt.findLastIndex(({ role }) => role === 'user')
  for (const message of prompt.slice(asked + 1).toReversed()) {
    if (message.role !== 'tool') continue
    const part = message.content.findLast(({ type }) => type === 'tool-result')
    if (part?.type === 'tool-result') return part.output
  }
  return undefined
}

const textOf = ({ content }: Message): string =>
  typeof content === 'string' ? content : content.map((part) => (part.type === 'text' ? part.text : '')).join('')

/** The text of all messages, including the model's. */
export const wordsOf = (prompt: LanguageModelV4Prompt): string => prompt.map(textOf).join(' ')

/** The last prompt. A file is part of it as `(file: image/png)`. */
function lastQuestion(prompt: LanguageModelV4Prompt): string {
  const message = prompt.findLast(({ role }) => role === 'user')
  if (!message || typeof message.content === 'string') return ''
  const file = message.content.find((part) => part.type === 'file')
  return [textOf(message), ...(file ? [`(file: ${file.mediaType})`] : [])].join(' ').trim()
}
