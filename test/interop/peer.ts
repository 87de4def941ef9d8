import { Invocation } from '@ably/ai-transport'
import {
  createAgentSession,
  createClientSession,
  createToolResultFork,
  createUIMessageCodec,
} from '@ably/ai-transport/vercel'
import * as Ably from 'ably'
import type { UIMessage } from 'ai'
import { onTestFinished } from 'vitest'
import type { Agent, Said, Sent, User } from './actors'

const codec = createUIMessageCodec()

/** A prompt in the format of the peer's client. */
const promptOf = (given: string | UIMessage) =>
  codec.createUserMessage(
    typeof given === 'string'
      ? { id: crypto.randomUUID(), role: 'user', parts: [{ type: 'text', text: given }] }
      : given,
  )

export async function peerUser(client: Ably.Realtime, channelName: string, historyPageSize = 100): Promise<User> {
  const session = createClientSession({ client, channelName, historyPageSize })
  onTestFinished(() => session.close())
  await session.connect()
  const { view } = session
  return {
    send: async (prompt) => sent(await view.send(promptOf(prompt))),
    edit: async (messageId, text) => sent(await view.edit(messageId, promptOf(text))),
    regenerate: async (messageId) => sent(await view.regenerate(messageId)),
    cancel: (runId) => session.cancel(runId),
    async answer(messageId, said) {
      const inputs = said.map((each) => answerOf(messageId, each))
      return sent(await view.send(inputs, { runId: view.runOf(messageId)!.runId }))
    },
    async fork(messageId, said) {
      const { runId } = view.runOf(messageId)!
      const messages = view.getMessages()
      const isOfRun = ({ codecMessageId }: { codecMessageId: string }): boolean =>
        session.tree.getNodeByCodecMessageId(codecMessageId) === session.tree.getRunNode(runId)
      const { input, sendOptions } = createToolResultFork({
        runMessages: messages.filter(isOfRun),
        parentCodecMessageId: messages[messages.findIndex(isOfRun) - 1]!.codecMessageId,
        toolCallId: said.toolCallId,
        result: 'output' in said ? said : { errorMessage: said.errorText },
        supersedesRunId: runId,
      })
      return sent(await view.send(input, sendOptions))
    },
    load: (count) => view.loadOlder(count),
    hasOlder: () => view.hasOlder(),
    hear: () => client.connection.ping(),
    shown: () => ({
      messages: view.getMessages().map(({ codecMessageId, message }) => ({ id: codecMessageId, message })),
      runs: view.runs().map(({ runId, clientId, invocationId, status, steps, error }) => ({
        runId,
        clientId,
        invocationId,
        status,
        steps: steps.map(({ stepClientId = '', ...step }) => ({ ...step, stepClientId })),
        ...(error && { error: { code: error.code, message: error.message, statusCode: error.statusCode } }),
      })),
    }),
    branch(messageId) {
      const { siblings, index } = view.branchSelection(messageId)
      return { index, count: siblings.length }
    },
    select: (messageId, index) => view.branchSelection(messageId).select(index),
  }
}

type PeerRun = Awaited<ReturnType<ReturnType<typeof createClientSession>['view']['send']>>

const sent = (run: PeerRun): Sent => ({
  inputId: run.inputCodecMessageId,
  get runId() {
    return run.runId
  },
  call: run.toInvocation().toJSON(),
  started: run.started,
  get status() {
    return run.status
  },
  cancel: () => run.cancel(),
  steer: (text) => run.steer(promptOf(text)),
})

function answerOf(messageId: string, { toolCallId, ...said }: Said) {
  if ('approved' in said) return codec.createToolApprovalResponse(messageId, { toolCallId, ...said })
  if ('output' in said) return codec.createToolResult(messageId, { toolCallId, ...said })
  return codec.createToolResultError(messageId, { toolCallId, message: said.errorText })
}

/** @param onCancel - decides on cancels; by default the run honours each */
export function peerAgent(client: Ably.Realtime, channelName: string, onCancel?: () => Promise<boolean>): Agent {
  const session = createAgentSession({ client, channelName })
  onTestFinished(() => session.detach())
  let heardAll = false
  return {
    async attach() {
      await session.connect()
      heardAll = true
    },
    async answer(call) {
      await session.connect()
      const run = session.createRun(Invocation.fromJSON(call), undefined, { onCancel })
      const isBehind = (): boolean => !heardAll && run.view.hasOlder()
      while (isBehind()) await run.view.loadOlder()
      await run.start()
      return {
        runId: run.runId,
        signal: run.abortSignal,
        prompt: () => run.view.getMessages().map(({ message }): UIMessage => message),
        hasInput: () => run.hasInput(),
        pipe: (stream) => run.pipe(stream),
        async attempt(stepId, stream, reason) {
          const step = run.createStep({ stepId })
          await step.start()
          await step.pipe(stream)
          await step.end({ reason })
        },
        suspend: () => run.suspend(),
        end: (reason, error) => run.end(reason === 'error' ? { reason, error: error && peerError(error) } : { reason }),
      }
    },
  }
}

const peerError = ({ code, message }: { code: number; message: string }): Ably.ErrorInfo =>
  new Ably.ErrorInfo(message, code, Math.floor(code / 100))
