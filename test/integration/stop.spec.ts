import { convertToModelMessages, jsonSchema, simulateReadableStream, streamText, tool } from 'ai'
import { MockLanguageModelV4 } from 'ai/test'
import { describe, expect, it, onTestFinished } from 'vitest'
import { createClientSession, UIMessageCodec } from '../../src'
import { joinWire, named, transportOf } from '../support/agent'
import { startConversation } from '../support/conversation'
import { eventually } from '../support/eventually'
import { openSession } from '../support/open-session'
import { shown, startScene, statuses } from '../support/scene'

describe('a cancel', () => {
  it('S8 S32 reaches a tool that is running on the server, and the run ends as cancelled', async () => {
    const began = Promise.withResolvers<AbortSignal>()
    const weather = tool({
      inputSchema: jsonSchema<Record<string, never>>({ type: 'object', properties: {} }),
      execute: (_input: unknown, { abortSignal }) => {
        began.resolve(abortSignal!)
        return new Promise((_, reject) => abortSignal!.addEventListener('abort', () => reject(new Error('stopped'))))
      },
    })
    const usage = {
      inputTokens: { total: 1, noCache: 1, cacheRead: 0, cacheWrite: 0 },
      outputTokens: { total: 1, text: 1, reasoning: 0 },
    }
    const model = new MockLanguageModelV4({
      doStream: async () => ({
        stream: simulateReadableStream({
          chunks: [
            { type: 'stream-start', warnings: [] },
            { type: 'tool-call', toolCallId: 'call-1', toolName: 'weather', input: '{}' },
            { type: 'finish', finishReason: { unified: 'tool-calls', raw: 'tool_calls' }, usage },
          ],
        }),
      }),
    })
    const { open } = await startScene('stop-tool', {
      async respond(run) {
        const messages = await convertToModelMessages(run.context())
        const { abortSignal } = run
        const result = streamText({ model, messages, abortSignal, tools: { weather }, onError: () => undefined })
        await run.pipe(result.toUIMessageStream())
      },
    })
    const session = await open('alice')
    const run = await session.view.send('Weather?')
    const signal = await began.promise
    await eventually(() => expect(run.messages[0]!.message.parts).toMatchObject([{}, { state: 'input-available' }]))
    expect(statuses(session)).toEqual(['active'])
    await run.cancel()
    expect(await run.finished).toEqual({ reason: 'cancelled' })
    expect(signal.aborted).toBe(true)
    expect(statuses(session)).toEqual(['cancelled'])
  })

  it('S8 S31 withdraws an answer that the agent has not processed', async () => {
    const scene = await startConversation('ai:stop-answer')
    const session = await openSession(scene, 'alice')
    const phone = await openSession(scene, 'phone')
    await phone.view.loadOlder(10)
    const wire = await joinWire(scene.endpoint.client({ clientId: 'watcher' }), 'ai:stop-answer')
    const prompt = await session.view.send('Where am I?')
    const run = await scene.agent.startRun('run-1', prompt.inputId, 'alice')
    await run.call('call-1')
    await run.suspend()
    await eventually(() => expect(statuses(session)).toEqual(['suspended']))
    expect([session.view.isRunning, session.view.pending()]).toEqual([false, []])

    const answering = session.view.answer(
      run.messageId,
      UIMessageCodec.createToolOutput({ toolCallId: 'call-1', output: 'Oslo' }),
    )
    expect(session.view.pending()).toEqual([{ inputId: run.messageId, clientId: 'alice', runId: 'run-1' }])
    expect(session.view.isRunning).toBe(true)
    const answer = await answering
    await eventually(() => expect(phone.view.pending()).toMatchObject([{ runId: 'run-1', clientId: 'alice' }]))
    await phone.cancel({ inputId: run.messageId })
    expect(transportOf(await wire.hears(named('ai-cancel')))).toMatchObject({
      'run-id': 'run-1',
      'input-codec-message-id': run.messageId,
    })
    await eventually(() => expect(session.view.pending()[0]!.cancelling).toMatchObject({ by: 'phone' }))
    await run.resume(run.messageId)
    await eventually(() => expect(session.view.pending()).toEqual([]))
    await run.end('cancelled')
    expect(await answer.finished).toEqual({ reason: 'cancelled' })
    expect(session.view.isRunning).toBe(false)
  })

  it('S8 withdraws a regenerate that the agent has not processed', async () => {
    const { open, model } = await startScene('stop-regenerate')
    const session = await open('alice')
    const quiet = await open('phone', { wake: false })
    const first = await session.view.send('Lisbon?')
    const call = await model.call(0)
    call.say('Sunny')
    call.finish()
    await first.finished
    await eventually(() => expect(shown(quiet)).toEqual(['sent: Lisbon?', 'complete: Sunny']))

    const again = await quiet.view.regenerate(quiet.view.getMessages()[1]!.id)
    expect(quiet.view.pending()).toMatchObject([{ inputId: again.inputId, clientId: 'phone' }])
    expect(quiet.view.isRunning).toBe(true)
    await eventually(() => expect(session.view.pending()).toMatchObject([{ inputId: again.inputId }]))
    await session.cancelAll()
    await eventually(() => expect(quiet.view.pending()[0]!.cancelling).toMatchObject({ by: 'alice' }))
    session.view.wake(again.inputId)
    expect(await again.finished).toEqual({ reason: 'cancelled' })
    expect(model.calls).toHaveLength(1)
    await eventually(() => expect([quiet.view.pending(), session.view.pending()]).toEqual([[], []]))
    expect(quiet.view.isRunning).toBe(false)
  })

  it('S8 shows as unanswered after five seconds without an agent, and sending still works', async () => {
    const scene = await startConversation('ai:dead-agent')
    const session = await openSession(scene, 'alice')
    const prompt = await session.view.send('Anybody?')
    const run = await scene.agent.startRun('run-1', prompt.inputId, 'alice')
    const text = await run.text()
    await text.append('Half an ans')
    await eventually(() => expect(shown(session)).toEqual(['sent: Anybody?', 'streaming: Half an ans']))
    await session.cancel('run-1')
    await eventually(() => expect(session.view.run('run-1')!.cancelling).toMatchObject({ by: 'alice' }))
    expect(session.view.run('run-1')!.cancelling!.unanswered).toBeUndefined()
    await eventually(() => expect(session.view.runs()[0]!.cancelling!.unanswered).toBe(true))
    // The rest of a text that was in flight shows that the agent is alive
    await text.append('wer')
    await eventually(() => expect(session.view.runs()[0]!.cancelling).not.toHaveProperty('unanswered'))
    expect(statuses(session)).toEqual(['active'])
    const next = await session.view.send('Still there?')
    const second = await scene.agent.startRun('run-2', next.inputId, 'alice')
    await second.end()
    expect(await next.finished).toEqual({ reason: 'complete' })

    const late = createClientSession({
      client: scene.endpoint.client({ clientId: 'late' }),
      channelName: 'ai:dead-agent',
      codec: UIMessageCodec,
    })
    onTestFinished(() => late.close())
    await late.connect()
    await late.view.loadOlder(10)
    expect(late.view.run('run-1')!.cancelling).toMatchObject({ by: 'alice' })
    await run.end('cancelled')
    await eventually(() => expect(session.view.run('run-1')).toMatchObject({ status: 'cancelled' }))
    expect(session.view.run('run-1')!.cancelling).toBeUndefined()
  })
})
