import { createPinia } from 'pinia'
import { createApp } from 'vue'
import App from '../../playground/src/App.vue'
import theme from '../../playground/src/theme.css?inline'
import { createAITransport } from '../../src/index.ts'
import { fakeAbly, FakeChannel } from '../../test/support/fake-ably.ts'
import { Conversation, type StreamedPart } from '../conversation.ts'

/** What the measured tokens continue. */
export type Tail = 'mixed' | 'paragraph' | 'list' | 'nested list' | 'quote' | 'code' | 'table'

const words = 'the old town rises above the river and its tram climbs there in eleven minutes past tiled houses'.split(
  ' ',
)
const prose = (count: number, from = 0) =>
  Array.from({ length: count }, (_, index) => words[(from + index) % words.length])
const sentence = (count: number, from = 0) => `${prose(count, from).join(' ')}.`

/** The pieces of Markdown that a block grows by, without an end. */
const growing: Record<Exclude<Tail, 'mixed'>, { start: string; line(index: number): string }> = {
  paragraph: { start: '\n\nA paragraph: ', line: (index) => `${sentence(12, index)} ` },
  list: { start: '\n\n', line: (index) => `- **item ${index}**: ${sentence(12, index)}\n` },
  'nested list': { start: '\n\n- outer\n', line: (index) => `  - item ${index}: ${sentence(12, index)}\n` },
  quote: { start: '\n\n', line: (index) => `> ${sentence(12, index)}\n>\n` },
  code: {
    start: '\n\n```ts\n',
    line: (index) => `const value${index}: number = compute(${index}, 'some text') // and a comment\n`,
  },
  table: {
    start: '\n\n| a | b | c |\n| --- | --: | --- |\n',
    line: (index) => `| row ${index} | ${index * 7} | ${sentence(5, index)} |\n`,
  },
}

/** An answer as models write them: headings, paragraphs, lists, code and tables of common lengths. */
function mixed(length: number): string {
  let text = ''
  for (let section = 1; text.length < length; section++) {
    text += `\n\n## Section ${section}\n\n${sentence(60, section)} **${sentence(5)}** And \`code\`.\n`
    for (const [kind, lines] of [
      ['list', 6],
      ['code', 15],
      ['table', 8],
    ] as const) {
      text += growing[kind].start
      for (let index = 0; index < lines; index++) text += growing[kind].line(index)
      text += kind === 'code' ? '```\n' : '\n'
    }
  }
  return text
}

function oneBlock(tail: Exclude<Tail, 'mixed'>, length: number): string {
  const { start, line } = growing[tail]
  let text = start
  for (let index = 0; text.length < length; index++) text += line(index)
  return text
}

const textOf = (tail: Tail, length: number) => (tail === 'mixed' ? mixed(length) : oneBlock(tail, length))

/** Splits text as the demo model does. */
const tokensOf = (text: string): string[] => text.match(/\s*\S{1,6}/g) ?? []

const channel = new FakeChannel()
const conversation = new Conversation()
let part: StreamedPart
let rest: string[] = []

const frame = () => new Promise(requestAnimationFrame)

const page = {
  /** Starts an answer of some length, as if it had been streamed until here. */
  async begin(tail: Tail, length: number): Promise<void> {
    const prompt = conversation.prompt('Tell me everything')
    const reply = conversation.reply()
    part = reply.text()
    for (const message of [prompt, ...reply.lead, part.start]) channel.deliver(message)
    const whole = textOf(tail, length + 20_000)
    channel.deliver(part.token(whole.slice(0, length)))
    rest = tokensOf(whole.slice(length))
    for (let settling = 0; settling < 30; settling++) await frame()
  },
  /** Streams tokens, one a frame. */
  async stream(count: number): Promise<void> {
    for (let index = 0; index < count; index++) {
      channel.deliver(part.token(rest.shift()!))
      await frame()
    }
  },
  /** The length of the text on the page. */
  shown: () => document.querySelector('article .prose')?.textContent?.length ?? 0,
}

declare global {
  var answerPage: typeof page
}
globalThis.answerPage = page

document.head.appendChild(document.createElement('style')).textContent = theme
createApp(App)
  .use(createPinia())
  .use(createAITransport({ agents: 'agent', client: fakeAbly(channel) }))
  .mount(document.body.appendChild(document.createElement('div')))
