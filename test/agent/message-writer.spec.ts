import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { PublishedRows, RunPublisher } from '../../src/agent/run-publisher'
import { UIMessageCodec } from '../../src/codec'
import { MessageWriter, StreamWriter } from '../../src/agent/message-writer'
import type { OutgoingMessage } from '../../src/core/wire'
import { freeChannel } from '../support/free-channel'

type Extras = OutgoingMessage['extras']

/** A publisher that records its publishes and refuses those the test names. */
function publisher(refuse: (kind: 'append' | 'update', data: string) => boolean = () => false) {
  const sent: [kind: string, data: unknown, status: string | undefined][] = []
  const allExtras: Extras[] = []
  const send = (kind: string, data: unknown, extras: Extras) => {
    sent.push([kind, data, extras.ai.transport.status])
    allExtras.push(extras)
    return refuse(kind as 'append', data as string) ? Promise.reject(new Error('refused')) : Promise.resolve()
  }
  const fake = {
    isShut: false,
    publish: ({ data, extras }: OutgoingMessage) => send('create', data, extras).then(() => 'serial'),
    append: (_: string, data: string, extras: Extras) => send('append', data, extras),
    update: (_: string, data: string, extras: Extras) => send('update', data, extras),
    end: (_: string, data: string, extras: Extras) => send('append', data, extras),
    queueText: (go: () => void) => go(),
    maxMessageSize: 65_536,
    published: new PublishedRows(),
  }
  return { sent, allExtras, publisher: fake as unknown as RunPublisher, fake }
}

const open = (to: ReturnType<typeof publisher>) =>
  StreamWriter.open(to.publisher, { 'stream-id': 't' }, { kind: 'text' })

describe('a stream', () => {
  it('is created empty, appended to and closed', async () => {
    const to = publisher()
    const stream = await open(to)
    void stream.append('Hel')
    void stream.append('lo')
    await stream.close('complete')
    expect(to.sent).toEqual([
      ['create', '', 'streaming'],
      ['append', 'Hel', 'streaming'],
      ['append', 'lo', 'streaming'],
      ['append', '', 'complete'],
    ])
  })

  it('sends the same extras with every token', async () => {
    const to = publisher()
    const stream = await open(to)
    void stream.append('a')
    void stream.append('b')
    expect(to.allExtras[1]).toBe(to.allExtras[0])
    expect(to.allExtras[2]).toBe(to.allExtras[0])
  })

  it('merges the codec headers of its end with those of its start', async () => {
    const to = publisher()
    const stream = await open(to)
    await stream.close('complete', { kind: 'text', providerMetadata: '{}' })
    expect(to.allExtras.at(-1)!.ai.codec).toEqual({ kind: 'text', providerMetadata: '{}' })
  })

  it('sends nothing for an empty token', async () => {
    const to = publisher()
    const stream = await open(to)
    void stream.append('')
    expect(to.sent).toHaveLength(1)
  })

  it('repairs a refused token with one update that contains the whole text', async () => {
    const to = publisher((kind, data) => kind === 'append' && data === 'two ')
    const stream = await open(to)
    for (const data of ['one ', 'two ', 'three']) void stream.append(data)
    await stream.close('complete')
    expect(to.sent.slice(4)).toEqual([['update', 'one two three', 'complete']])
  })

  it('repairs a refused end too', async () => {
    const to = publisher((kind, data) => kind === 'append' && data === '')
    const stream = await open(to)
    void stream.append('one')
    await stream.close('cancelled')
    expect(to.sent.at(-1)).toEqual(['update', 'one', 'cancelled'])
  })

  it('fails with 104000 if the repair is refused, and closes the message first', async () => {
    const to = publisher((kind, data) => kind === 'update' || data === 'two')
    const stream = await open(to)
    void stream.append('one ')
    void stream.append('two')
    await expect(stream.close('complete')).rejects.toMatchObject({ code: 104000 })
    expect(to.sent.at(-1)).toEqual(['append', '', 'cancelled'])
  })

  it('does not fail if the session is left while the stream closes', async () => {
    const to = publisher(() => true)
    const stream = await open(publisher()).then(() =>
      StreamWriter.open({ ...to.fake, isShut: true, publish: async () => 's' } as unknown as RunPublisher, {}, {}),
    )
    void stream.append('one')
    await expect(stream.close('complete')).resolves.toBeUndefined()
  })

  it('has no unhandled rejection if it continues after a refusal', async () => {
    const unhandled = vi.fn<() => void>()
    process.on('unhandledRejection', unhandled)
    const stream = await open(publisher((_, data) => data === 'no'))
    void stream.append('no')
    await new Promise((resolve) => setImmediate(resolve))
    process.off('unhandledRejection', unhandled)
    expect(unhandled).not.toHaveBeenCalled()
  })

  it('applies back pressure only if very many publishes are in flight', async () => {
    const release: (() => void)[] = []
    const to = publisher()
    const held = { ...to.fake, append: () => new Promise<void>((resolve) => release.push(resolve)) }
    const stream = await StreamWriter.open(held as unknown as RunPublisher, {}, {})
    const waits = Array.from({ length: 500 }, () => stream.append('x'))
    expect(waits.slice(0, 499).every((wait) => wait === undefined)).toBe(true)
    expect(waits[499]).toBeInstanceOf(Promise)
    for (const resolve of release) resolve()
    await waits[499]
    expect(stream.append('x')).toBeUndefined()
  })
})

describe('a stream of an agent that limits its rate', () => {
  // NOTE: on a slow machine the time between two tokens would make room for a further burst
  beforeEach(() => void vi.useFakeTimers({ toFake: ['performance'] }))
  afterEach(() => void vi.useRealTimers())

  function paced() {
    const appends: string[] = []
    const channel = {
      publishOne: async () => 'serial',
      append: async (_: string, data: string) => void appends.push(data),
    }
    return { appends, publisher: new RunPublisher(freeChannel(channel, undefined, 40)) }
  }

  it('sends the first pieces at once, and later text that arrives together in one append', async () => {
    const { appends, publisher } = paced()
    const stream = await StreamWriter.open(publisher, {}, { kind: 'text' })
    await appendAll(stream, tokensOf('a b c d'))
    expect(appends).toEqual(['a ', 'b ', 'c ', 'd '])
    for (const token of tokensOf('e f g h')) void stream.append(token)
    expect(appends).toHaveLength(4)
    await turn()
    expect(appends.slice(4)).toEqual(['e f g h '])
  })

  it('sends text that arrives together with its end in the message that ends it', async () => {
    const { appends, publisher } = paced()
    const stream = await StreamWriter.open(publisher, {}, { kind: 'text' })
    await appendAll(stream, tokensOf('a b c d'))
    for (const token of tokensOf('e f g h')) void stream.append(token)
    await stream.close('complete')
    await turn()
    expect(appends.slice(4)).toEqual(['e f g h '])
  })
})

const tokensOf = (words: string): string[] => words.split(' ').map((word) => `${word} `)
const turn = () => new Promise(setImmediate)

/** Appends tokens, each in a turn of its own. */
async function appendAll(stream: StreamWriter, tokens: readonly string[]): Promise<void> {
  for (const token of tokens) {
    void stream.append(token)
    await turn()
  }
}

describe('a whole part', () => {
  it('has replacement characters for halves of characters, which JSON and msgpack would carry differently', async () => {
    const to = publisher()
    const writer = new MessageWriter(to.publisher, UIMessageCodec.encoder('m'), {}, () => undefined)
    await writer.write({ type: 'data-note', data: 'Cut \ud83d' })
    const title = `${'x'.repeat(3999)}😀`
    await writer.write({ type: 'source-url', sourceId: 's', url: 'https://example.com/', title })
    expect(to.sent.map(([, data]) => data)).toEqual(['Cut \ufffd', 'https://example.com/'])
    expect(to.allExtras[1]!.ai.codec!.title).toBe(`${'x'.repeat(3999)}\ufffd`)
  })
})
