import { stepsOf } from '../support/steps'
import type { UIMessage } from 'ai'
import { expect, it } from 'vitest'
import { UIMessageCodec } from '../../src/codec'
import { Tree } from '../../src/core/tree'
import type { ChannelMessage } from '../../src/core/wire'
import { vuePort } from '../../src/store/vue-port'
import { later, output } from '../core/wire'

const streamed = { stream: 'true', status: 'streaming', 'stream-id': 's' }

/** A visible reply with one streamed part, and a function that appends to it. */
function aPartThatGrows(codec: Record<string, unknown>) {
  const tree = new Tree<UIMessage>(UIMessageCodec, vuePort)
  const create = output('r', codec, '', streamed)
  const hear = (message: ChannelMessage) => {
    tree.apply(message)
    tree.settle()
  }
  hear(create)
  const { message } = tree.runs.get('r')!.viewMessage('m')!
  return {
    part: () => message.parts.at(-1) as { text?: string; input?: unknown; state?: string },
    grow: (data: string, status = 'streaming') =>
      hear(later(create, 'message.append', { data, transport: { status } })),
  }
}

/** The number of steps that a token takes. */
const stepsPerToken = (grow: (data: string) => void, tokens: readonly string[]): number =>
  stepsOf(() => tokens.forEach((token) => grow(token))) / tokens.length

it('a long tool input that looks complete at every token is not parsed anew each time', () => {
  const { part, grow } = aPartThatGrows({ kind: 'tool-input', toolCallId: 's', toolName: 'draw' })
  const shapes = Array.from({ length: 6_000 }, (_, id) => `{"id":${id}}`)
  const tokens = [`{"shapes":[`, ...shapes.flatMap((shape) => [shape, ',']).slice(0, -1)]
  expect(stepsPerToken(grow, tokens)).toBeLessThan(300)
  expect(part().input).toBeUndefined()
  grow(']}')
  grow('', 'complete')
  expect(part()).toMatchObject({ state: 'input-available', input: { shapes: { length: 6_000 } } })
})

it('a token of a long text costs no more than a token of a short one', () => {
  const short = aPartThatGrows({ kind: 'text' })
  const long = aPartThatGrows({ kind: 'text', providerMetadata: '{"acme":{"a":1}}' })
  const tokens = Array.from({ length: 2_000 }, () => 'word ')
  long.grow('word '.repeat(400_000))
  const [before, after] = [stepsPerToken(short.grow, tokens), stepsPerToken(long.grow, tokens)]
  expect(after).toBeLessThan(before * 1.5)
  expect(long.part().text).toHaveLength(2_000_000 + 10_000)
})
