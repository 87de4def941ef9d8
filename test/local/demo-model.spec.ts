import { generateText, jsonSchema, stepCountIs, streamText, tool } from 'ai'
import { describe, expect, it } from 'vitest'
import { demoModel, type DemoModelOptions } from '../../src/local'

const quick = { tokensPerSecond: 10_000, delay: 0 }

/** The reply to a prompt. */
async function answerTo(prompt: string, options: DemoModelOptions = {}) {
  const weather = tool({
    inputSchema: jsonSchema<{ query: string }>({ type: 'object' }),
    execute: ({ query }) => ({ sky: 'clear', query }),
  })
  const result = streamText({
    model: demoModel({ ...quick, ...options }),
    prompt,
    tools: { look_up: weather },
    stopWhen: stepCountIs(3),
    onError: () => undefined,
  })
  const parts: { type: string; text?: string }[] = []
  for await (const part of result.fullStream) parts.push(part)
  const join = (type: string) => parts.flatMap((part) => (part.type === type ? [part.text] : [])).join('')
  return { parts, text: join('text-delta'), reasoning: join('reasoning-delta') }
}

describe('replies of the demo model', () => {
  it('are the same for the same prompt', async () => {
    const { text } = await answerTo('Hello')
    expect(text).toMatch(/^You said: "Hello"\. This answer comes from the demo model/)
    expect((await answerTo('Hello')).text).toBe(text)
    expect((await generateText({ model: demoModel(), prompt: 'Hello' })).text).toBe(text)
  })

  it('contain reasoning, sources, tools and errors by keyword', async () => {
    expect((await answerTo('Think about it')).reasoning).toContain('one before the answer')
    expect((await answerTo('Name a source')).parts).toContainEqual(
      expect.objectContaining({ type: 'source', url: 'https://vuejs.org/', title: 'Vue.js' }),
    )
    const called = await answerTo('look up Lisbon')
    expect(called.parts).toContainEqual(
      expect.objectContaining({ type: 'tool-call', toolName: 'look_up', input: { query: 'look up Lisbon' } }),
    )
    expect(called.text).toBe('The tool returned {"sky":"clear","query":"look up Lisbon"}.')
    const { parts } = await answerTo('Please fail')
    expect(parts.find(({ type }) => type === 'error')).toMatchObject({
      error: new Error('The demo model failed, as the prompt told it to'),
    })
  })

  it('can come from a script', async () => {
    const { text } = await answerTo('Hi', { script: (call) => `${call.text}, ${call.tools.join()}` })
    expect(text).toBe('Hi, look_up')
    const { parts } = await answerTo('Hi', {
      script: () => [
        { type: 'reasoning', text: 'Hm' },
        { type: 'text', text: 'Yes  ' },
        { type: 'file', mediaType: 'image/png', data: 'iVBORw0KGgo=' },
      ],
    })
    expect(parts.map(({ type }) => type)).toEqual(
      expect.arrayContaining(['reasoning-delta', 'text-delta', 'file', 'finish']),
    )
  })

  it('stop with the abort signal', async () => {
    const controller = new AbortController()
    const result = streamText({
      model: demoModel({ delay: 0, beforeToken: (written) => void (written.length === 3 && controller.abort()) }),
      prompt: 'Hello',
      abortSignal: controller.signal,
      onError: () => undefined,
    })
    const types: string[] = []
    for await (const { type } of result.fullStream) types.push(type)
    expect(types.filter((type) => type === 'text-delta').length).toBeLessThanOrEqual(4)
    expect(types.at(-1)).toBe('abort')
  })

  it('can be paused and ended early with beforeToken', async () => {
    const { text } = await answerTo('Hello', {
      script: () => 'one two three four',
      beforeToken: async (written) => written.length < 2,
    })
    expect(text).toBe('one two')
  })
})
