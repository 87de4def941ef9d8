import { setTimeout as sleep } from 'node:timers/promises'
import type { Realtime } from 'ably'
import { convertToModelMessages, createUIMessageStream, isStepCount, streamText, type UIMessage } from 'ai'
import { defineAgent } from 'vue-ai-transport/agent'
import { demoModel } from 'vue-ai-transport/local'
import { paceOf } from '../shared/pace'
import type { Gates } from './gates'
import { performanceFor } from './performance'
import { toolApproval, toolsWith } from './tools'

/** The playground's control of its agent. */
export interface AgentControls {
  /** Whether the agent accepts a Stop. */
  mayStop: () => Promise<boolean>
  gates: Gates
}

/** The agent of this playground. To use a real model, replace the demo model with your provider's. */
export function createAgent(client: () => Realtime, { mayStop, gates }: AgentControls) {
  const spokenTo = new Set<string>()
  return defineAgent({
    client,
    agents: 'agent',
    // NOTE: every visitor of the playground can prompt; an app checks the request's session cookie here
    authorize: () => true,
    onCancel: mayStop,
    onSteer: ({ runId }) => void spokenTo.add(runId),
    async respond(run) {
      while (run.hasInput()) {
        spokenTo.delete(run.runId)
        const isInterrupted = () => spokenTo.has(run.runId)
        const { reason } = await run.pipe(await answer(run.context(), run.abortSignal, gates, isInterrupted))
        if (reason !== 'complete') break
      }
    },
  })
}

/** Streams the model's answer. A steer ends it early, and the next pass answers the steer. */
async function answer(messages: UIMessage[], abortSignal: AbortSignal, gates: Gates, isInterrupted: () => boolean) {
  const modelMessages = await convertToModelMessages(messages)
  const { tokensPerSecond, gate } = paceOf(messages)
  // NOTE: a test with a gate does not wait for the pace of a model and its tools
  const isAtGate = gate !== undefined
  const work = (ms: number, signal?: AbortSignal) =>
    isAtGate ? gates.pass(gate, 'at work', signal) : sleep(ms, undefined, { signal })
  return createUIMessageStream({
    onError: reasonOf,
    execute({ writer }) {
      const result = streamText({
        model: demoModel({
          script: performanceFor,
          tokensPerSecond,
          ...(isAtGate && { delay: 0 }),
          async beforeToken(written, signal) {
            // NOTE: a steered answer ends with its sentence
            if (isInterrupted() && /[.!?]$/.test(written.at(-1) ?? '')) return false
            await gates.pass(gate, written.length, signal)
            return true
          },
        }),
        messages: modelMessages,
        tools: toolsWith(writer, work),
        toolApproval,
        stopWhen: isStepCount(5),
        abortSignal,
        // NOTE: the run's end reports the error to the clients
        onError: () => {},
      })
      writer.merge(result.toUIMessageStream({ sendSources: true, onError: reasonOf }))
    },
  })
}

const reasonOf = (error: unknown): string => (error instanceof Error ? error.message : String(error))
