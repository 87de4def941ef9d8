import type * as Ably from 'ably'
import type { UIMessage } from 'ai'
import { onTestFinished } from 'vitest'
import { createClientSession, UIMessageCodec, type ActiveRun } from '../../src'
import type { Answer } from '../../src/codec'
import { createAgentSession, Invocation } from '../../src/agent'
import type { Agent, Said, Sent, User } from './actors'

export async function ourUser(client: Ably.Realtime, channelName: string, historyPageSize = 100): Promise<User> {
  const session = createClientSession({ client, channelName, codec: UIMessageCodec, historyPageSize })
  onTestFinished(() => session.close())
  await session.connect()
  const { view } = session
  return {
    send: async (prompt) => sent(await view.send(prompt)),
    edit: async (messageId, text) => sent(await view.edit(messageId, text)),
    regenerate: async (messageId) => sent(await view.regenerate(messageId)),
    cancel: (runId) => session.cancel(runId),
    answer: async (messageId, said) => sent(await view.answer(messageId, said.map(answerOf))),
    fork: async (messageId, said) => sent(await view.answer(messageId, answerOf(said), { as: 'fork' })),
    load: (count) => view.loadOlder(count),
    hasOlder: () => view.hasOlder(),
    hear: () => client.connection.ping(),
    shown: () => ({
      messages: view.getMessages().map(({ id, message }) => ({ id, message })),
      runs: view.runs().map(({ runId, clientId, invocationId, status, steps, error }) => ({
        runId,
        clientId,
        invocationId,
        status,
        steps,
        ...(error && { error }),
      })),
    }),
    branch(messageId) {
      const { siblings, index } = view.branch(messageId)
      return { index, count: siblings.length }
    },
    select: (messageId, index) => view.branch(messageId).select(index),
  }
}

const sent = (run: ActiveRun<UIMessage>): Sent => ({
  inputId: run.inputId,
  get runId() {
    return run.runId
  },
  call: run.toInvocation(),
  started: run.started,
  get status() {
    return run.status
  },
  cancel: () => run.cancel(),
  steer: (text) => run.steer(text),
})

function answerOf(said: Said): Answer {
  if ('approved' in said) return UIMessageCodec.createToolApproval(said)
  return 'output' in said ? UIMessageCodec.createToolOutput(said) : UIMessageCodec.createToolOutputError(said)
}

export function ourAgent(client: Ably.Realtime, sessionName: string): Agent {
  const session = createAgentSession({ client, sessionName })
  onTestFinished(() => session.detach())
  return {
    attach: () => session.connect(),
    async answer(call) {
      await session.connect()
      const run = session.createRun(Invocation.fromJSON(call))
      await run.start()
      return {
        runId: run.runId,
        signal: run.abortSignal,
        prompt: () => run.context(),
        hasInput: () => run.hasInput(),
        pipe: (stream) => run.pipe(stream),
        async attempt(id, stream, reason) {
          const step = await run.step({ id })
          await step.pipe(stream)
          await step.end(reason)
        },
        suspend: () => run.suspend(),
        end: (reason, error) => run.end({ reason, error }),
      }
    },
  }
}
