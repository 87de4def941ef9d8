import type { DemoCall, DemoPart } from 'vue-ai-transport/local'
import { answerTo, isToFail } from './answers'
import { dusk } from './painting'

type Prompt = DemoCall['prompt']
type Message = Prompt[number]

/** The demo model's answer to a prompt, part by part. The same prompt always gives the same parts. */
export function performanceFor({ prompt }: Pick<DemoCall, 'prompt'>): readonly DemoPart[] {
  const question = lastQuestion(prompt)
  const result = resultSince(prompt)
  const text = answerTo(question)
  if (isToFail(question))
    return [
      { type: 'text', text: text.slice(0, text.length * failAfter) },
      { type: 'error', message: 'the demo model failed, as you asked' },
    ]
  if (/\bbook\b.*\btable\b/i.test(question)) return booking(result)
  if (/\bhostile\b/i.test(question)) return [...traps, { type: 'text', text }]
  if (/\blook up\b/i.test(question)) return result ? [...guides, { type: 'text', text }] : lookingUp
  if (/\bmeasure\b/i.test(question)) return result ? [{ type: 'text', text }] : measuring
  if (/\bthink\b/i.test(question))
    return [
      { type: 'reasoning', text: thoughts },
      { type: 'text', text },
    ]
  if (/\bpaint\b/i.test(question))
    return [
      { type: 'text', text },
      { type: 'file', mediaType: 'image/png', data: dusk() },
    ]
  return [{ type: 'text', text }]
}

const failAfter = 0.45

const table = { restaurant: 'Cervejaria do Cais', day: 'Friday', time: '20:30', people: 2 }

function booking(result: ToolResult | undefined): readonly DemoPart[] {
  if (!result) {
    const text = 'Friday is busy by the river, but the *Cervejaria do Cais* has a table at half past eight.'
    return [
      { type: 'text', text },
      { type: 'tool', name: 'book_table', input: table },
    ]
  }
  if (result.type === 'execution-denied' || result.type === 'error-text') {
    const reason = result.reason ?? result.value
    const because = typeof reason === 'string' ? ` You said: *${reason}*. ` : ' '
    return [
      {
        type: 'text',
        text: `No table is booked, then.${because}Tell me another day or another place, and I look again.`,
      },
    ]
  }
  return [
    {
      type: 'text',
      text: 'Done: **Friday, 20:30, two people**, under the number in the card above. They keep a table for a quarter of an hour, so do not let the funicular make you late. If your plans change, tell me before Friday noon.',
    },
  ]
}

const lookingUp: readonly DemoPart[] = [{ type: 'tool', name: 'read_guides', input: { topic: 'fado', city: 'Lisbon' } }]

const measuring: readonly DemoPart[] = [{ type: 'tool', name: 'measure_tide', input: { place: 'Cais das Colunas' } }]

const guides: readonly DemoPart[] = [
  { type: 'source', url: 'https://www.museudofado.pt/', title: 'Museu do Fado' },
  { type: 'source', url: 'https://www.visitlisboa.com/', title: 'Visit Lisboa' },
  {
    type: 'source',
    url: 'https://ich.unesco.org/en/RL/fado-urban-popular-song-of-portugal-00563',
    title: 'Fado, UNESCO',
  },
]

/** Sources with unsafe links, as a manipulated model might write them. */
const traps: readonly DemoPart[] = [
  { type: 'source', url: 'javascript:alert(1)', title: 'Click me' },
  { type: 'source', url: 'data:text/html,<script>alert(1)</script>', title: '<img src=x onerror=alert(1)>' },
  { type: 'source', url: 'vbscript:x', title: '' },
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
function resultSince(prompt: Prompt): ToolResult | undefined {
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

/** The last prompt. A file is part of it as `(file: image/png)`. */
function lastQuestion(prompt: Prompt): string {
  const message = prompt.findLast(({ role }) => role === 'user')
  if (!message || typeof message.content === 'string') return ''
  const file = message.content.find((part) => part.type === 'file')
  return [textOf(message), ...(file ? [`(file: ${file.mediaType})`] : [])].join(' ').trim()
}
