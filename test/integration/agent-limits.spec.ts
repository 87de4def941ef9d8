import type { UIMessage, UIMessageChunk } from 'ai'
import { beforeAll, describe, expect, it } from 'vitest'
import type { SessionError } from '../../src/agent'
import { UIMessageCodec } from '../../src/codec'
import { Tree } from '../../src/core/tree'
import { handFed, named, textChunks, transportOf, type HandFed, type WireClient } from '../support/agent'
import { beginning, delta, setStage, type Stage } from '../support/agent-stage'
import { startEndpoint, type TestEndpoint } from '../support/local'
import { eventually } from '../support/eventually'

let endpoint: TestEndpoint
beforeAll(async () => {
  endpoint = await startEndpoint({ namespaces: { fixed: { mutableMessages: false } } }, { until: 'file' })
})

async function stage(options?: Parameters<typeof setStage>[1]): Promise<Stage & { errors: SessionError[] }> {
  const set = await setStage(endpoint, options)
  const errors: SessionError[] = []
  set.session.on('error', (error) => errors.push(error))
  return { ...set, errors }
}

/** The view of a client that was attached all the time. */
function shown({ heard }: WireClient, runId: string): UIMessage['parts'] {
  const tree = new Tree<UIMessage>(UIMessageCodec)
  for (const message of heard) tree.apply(message)
  tree.settle()
  const run = tree.runs.get(runId)!
  return Array.from(run.ids, (id) => run.message(id)!).flatMap(({ parts }) => parts)
}

const textsOf = (parts: UIMessage['parts']): string[] =>
  parts.flatMap((part) => (part.type === 'text' || part.type === 'reasoning' ? [part.text] : []))

describe('a part that is too large for one message', () => {
  const words = Array.from({ length: 25_000 }, (_, index) => `wörd${index % 1000} `)

  it.each([
    ['in many tokens', words],
    ['in one token', [words.join('')]],
  ])('continues in further messages if it is text, and is one part, %s', async (_, texts) => {
    const { alice, started, readBack, errors } = await stage()
    const run = await started('Tell me everything')
    expect(await run.pipe(textChunks(texts))).toEqual({ reason: 'complete' })
    await run.end()
    await alice.hears(named('ai-run-end'))
    await eventually(async () => {
      const { status, texts: read } = await readBack(run.runId)
      expect(status).toBe('complete')
      expect(read).toEqual([texts.join('')])
    })
    expect(textsOf(shown(alice, run.runId))).toEqual([texts.join('')])
    expect(errors).toEqual([])
  })

  it('is repaired even if a token was lost before it continued', async () => {
    const { name, alice, started } = await stage()
    const run = await started('Tell me everything')
    endpoint.refusePublish(({ channel, action }) => channel === name && action === 'append', { times: 1 })
    await run.pipe(textChunks(words))
    await run.end()
    await alice.hears(named('ai-run-end'))
    await eventually(() => expect(textsOf(shown(alice, run.runId)).join('')).toBe(words.join('')))
  })

  const output = 'x'.repeat(70_000)
  it('becomes a failed call that names its size if it is the output of a tool, and the run continues', async () => {
    const { alice, started, errors } = await stage()
    const run = await started('Read the file')
    const toolCallId = 'call-1'
    const piped = await run.pipe([
      { type: 'start' },
      { type: 'tool-input-available', toolCallId, toolName: 'read', input: {} },
      { type: 'tool-output-available', toolCallId, output },
      ...textChunks(['Done.']).slice(2),
    ])
    expect(piped).toEqual({ reason: 'complete' })
    await run.end()
    await alice.hears(named('ai-run-end', { 'run-reason': 'complete' }))
    const parts = shown(alice, run.runId)
    expect(parts.find(({ type }) => type === 'tool-read')).toMatchObject({
      state: 'output-error',
      errorText: expect.stringContaining('70013 bytes'),
    })
    expect(textsOf(parts)).toEqual(['Done.'])
    expect(errors).toMatchObject([{ code: 40_009 }])
  })

  it('keeps its part if only its metadata is too large, which reaches onError with its name and size', async () => {
    const { alice, started, errors } = await stage()
    const run = await started('Read the file')
    const call = { toolCallId: 'call-1', toolName: 'read' }
    const piped = await run.pipe([
      { type: 'start' },
      { type: 'tool-input-available', ...call, input: {}, toolMetadata: { acme: output } },
      { type: 'tool-output-available', toolCallId: 'call-1', output: 1, providerMetadata: { acme: { output } } },
      ...textChunks(['Done.']).slice(2),
    ])
    expect(piped).toEqual({ reason: 'complete' })
    await run.end()
    await alice.hears(named('ai-run-end', { 'run-reason': 'complete' }))
    const parts = shown(alice, run.runId)
    expect(parts.find(({ type }) => type === 'tool-read')).toMatchObject({ state: 'output-available', output: 1 })
    expect(textsOf(parts)).toEqual(['Done.'])
    expect(errors.map(({ message }) => message)).toEqual([
      expect.stringContaining('publish toolMetadata (70028 bytes)'),
      expect.stringContaining('publish resultProviderMetadata (70049 bytes)'),
    ])
  })

  it.each<[string, UIMessageChunk]>([
    ['a file', { type: 'file', mediaType: 'image/png', url: `data:image/png;base64,${output}` }],
    ['data', { type: 'data-table', data: { rows: output } }],
  ])('becomes a text that names its size if it is %s', async (_, chunk) => {
    const { alice, started } = await stage()
    const run = await started('Show me')
    expect(await run.pipe([{ type: 'start' }, chunk, ...textChunks(['Done.']).slice(2)])).toEqual({
      reason: 'complete',
    })
    await run.end()
    await alice.hears(named('ai-run-end', { 'run-reason': 'complete' }))
    const [note, text] = textsOf(shown(alice, run.runId))
    expect(note).toMatch(/^\[\S+ too large to be sent: 70\d\d\d bytes\]$/)
    expect(text).toBe('Done.')
  })

  it('becomes a failed call if it is the input of a tool', async () => {
    const { alice, started } = await stage()
    const run = await started('Write a book')
    const toolCallId = 'call-1'
    await run.pipe([
      { type: 'start' },
      { type: 'tool-input-available', toolCallId, toolName: 'write', input: { text: output } },
      { type: 'tool-output-available', toolCallId, output: 'written' },
    ])
    await run.end()
    await alice.hears(named('ai-run-end', { 'run-reason': 'complete' }))
    expect(shown(alice, run.runId).find(({ type }) => type === 'tool-write')).toMatchObject({ output: 'written' })
  })

  const called = (toolCallId: string, input: unknown): UIMessageChunk => ({
    type: 'tool-input-available',
    toolCallId,
    toolName: 'write',
    input,
  })
  const forTools: UIMessageChunk = { type: 'finish', finishReason: 'tool-calls' }
  const states = (parts: UIMessage['parts']): unknown[] =>
    parts.flatMap((part) => ('toolCallId' in part ? [`${part.toolCallId} ${part.state}`] : []))

  it('does not suspend the run if it is the input of a client tool', async () => {
    const { alice, started, errors } = await stage()
    const run = await started('Write a book')
    const chunks = [called('call-1', { text: output }), forTools]
    expect(await run.pipe([{ type: 'start' }, ...chunks])).toEqual({ reason: 'complete' })
    await run.end()
    await alice.hears(named('ai-run-end', { 'run-reason': 'complete' }))
    expect(states(shown(alice, run.runId))).toEqual(['call-1 output-error'])
    expect(errors).toMatchObject([{ code: 40_009 }])
  })

  it('does not keep the run from waiting for other calls that could be sent', async () => {
    const { alice, started } = await stage()
    const run = await started('Write a book')
    const calls = [called('call-1', { text: output }), called('call-2', {})]
    expect(await run.pipe([{ type: 'start' }, ...calls, forTools])).toEqual({ reason: 'suspend' })
    await run.end()
    await alice.hears(named('ai-run-suspend'))
    expect(states(shown(alice, run.runId))).toEqual(['call-1 output-error', 'call-2 input-available'])
  })

  it('is streamed completely if it is the input of a tool', async () => {
    const { alice, started } = await stage()
    const run = await started('Write a book')
    const toolCallId = 'call-1'
    const input = { text: output }
    const json = JSON.stringify(input)
    const deltas = json.match(/.{1,1000}/g)!
    await run.pipe([
      { type: 'start' },
      { type: 'tool-input-start', toolCallId, toolName: 'write' },
      ...deltas.map((inputTextDelta) => ({ type: 'tool-input-delta', toolCallId, inputTextDelta }) as const),
      { type: 'tool-input-available', toolCallId, toolName: 'write', input },
    ])
    await run.end()
    await alice.hears(named('ai-run-end', { 'run-reason': 'complete' }))
    await eventually(() =>
      expect(shown(alice, run.runId).find(({ type }) => type === 'tool-write')).toMatchObject({ input }),
    )
  })
})

/** Writes on until the pipe is over: it notices a refusal with the next chunk. */
function writtenOn<T>(source: HandFed, piping: Promise<T>): Promise<T> {
  const timer = setInterval(() => source.push(delta('and so on ')), 1)
  return piping.finally(() => clearInterval(timer))
}

describe('refused appends', () => {
  it.each([1, 3, 8])('S37 above the rate limit, %i times, are resent in order, once, and reported', async (times) => {
    const { name, alice, started, errors } = await stage()
    const run = await started('Count')
    const error = { code: 42_911, statusCode: 429, message: 'too fast' }
    endpoint.refusePublish(({ channel, action }) => channel === name && action === 'append', { times, error })
    const texts = Array.from({ length: 200 }, (_, index) => `t${index} `)
    expect(await run.pipe(textChunks(texts))).toEqual({ reason: 'complete' })
    await run.end()
    await alice.hears(named('ai-run-end', { 'run-reason': 'complete' }))
    await eventually(() => expect(textsOf(shown(alice, run.runId))).toEqual([texts.join('')]))
    expect(errors[0]).toMatchObject({
      code: 42_911,
      message: expect.stringContaining('unable to publish at full speed'),
    })
  })

  it('are repaired while the stream continues', async () => {
    const { name, alice, started } = await stage()
    const run = await started('Story')
    const source = handFed()
    const piping = run.pipe(source.stream)
    endpoint.refusePublish((message) => message.channel === name && message.data === 'upon ', { times: 1 })
    source.push(...beginning('Once '), delta('upon '), delta('a '))
    await eventually(() => expect(textsOf(shown(alice, run.runId))).toEqual(['Once a ']))
    await new Promise((resolve) => setTimeout(resolve, 600))
    source.push(delta('time'))
    await eventually(() => expect(textsOf(shown(alice, run.runId))).toEqual(['Once upon a time']))
    source.push(delta(', there'))
    await eventually(() => expect(textsOf(shown(alice, run.runId))).toEqual(['Once upon a time, there']))
    source.end()
    expect(await piping).toEqual({ reason: 'complete' })
  })

  it('without the capability end the run as an error with the reason', async () => {
    const { name, alice, started } = await stage()
    const run = await started('Story')
    const source = handFed()
    const piping = run.pipe(source.stream)
    source.push(...beginning('Once '))
    await alice.hears((message) => message.data === 'Once ')
    const error = { code: 40_160, statusCode: 401, message: 'not permitted' }
    endpoint.refusePublish(({ channel, action }) => channel === name && action !== 'create', { error })
    source.push(delta('upon '))
    expect(await writtenOn(source, piping)).toMatchObject({ reason: 'error', error: { code: 40_160 } })
    expect(source.isStopped).toBe(true)
    await run.end()
    const end = transportOf(await alice.hears(named('ai-run-end')))
    expect(end).toMatchObject({ 'run-reason': 'error', 'error-code': '40160' })
    expect(end['error-message']).toContain('capability')
  })

  it('without any capability to publish are reported and leave no run behind', async () => {
    const { name, alice, started, errors } = await stage()
    const run = await started('Story')
    const source = handFed()
    const piping = run.pipe(source.stream)
    source.push(...beginning('Once '))
    await alice.hears((message) => message.data === 'Once ')
    const error = { code: 40_160, statusCode: 401, message: 'not permitted' }
    endpoint.refusePublish({ channel: name, clientId: 'agent' }, { error })
    source.push({ type: 'data-x', data: 1 })
    expect(await piping).toMatchObject({ reason: 'error', error: { code: 40_160 } })
    await expect(run.end()).rejects.toMatchObject({ code: 40_160 })
    expect(run.phase).toBe('over')
    expect(errors.map(({ code }) => code)).toContain(40_160)
  })

  it('in a namespace that allows none end the run with the message that names the fix (93002)', async () => {
    const { alice, started } = await stage({ name: 'fixed:room' })
    const run = await started('Story')
    const source = handFed()
    const piping = run.pipe(source.stream)
    source.push(...beginning('Once '))
    expect(await writtenOn(source, piping)).toMatchObject({ reason: 'error', error: { code: 93_002 } })
    await run.end()
    const end = transportOf(await alice.hears(named('ai-run-end')))
    expect(end).toMatchObject({ 'run-reason': 'error', 'error-code': '93002' })
    expect(end['error-message']).toBe(
      'unable to stream the answer; namespace "fixed" of channel "fixed:room" does not allow updates and appends. Enable "Message annotations, updates, deletes, and appends" for "fixed" under Channel rules in the Ably dashboard',
    )
  })
})
