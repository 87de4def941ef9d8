import type { FileUIPart, UIMessage } from 'ai'
import { computed, shallowReactive } from 'vue'
import { UIMessageCodec, useView, type ActiveRun, type Steer } from 'vue-ai-transport'
import { promptWithPace } from '../../shared/pace'
import type { Exchange } from '../conversation/exchange'
import { createLayout } from '../conversation/layout'
import { isStopUnanswered, runName, statusOf, textOf } from '../conversation/status'
import type { UnsentSteer } from '../conversation/steers'
import { isSteer, type Approval, type Message } from '../conversation/types'
import type { Steerable } from '../conversation/ways'
import { gate, speed } from '../settings'

/** The conversation as the page shows it, and the actions of its buttons. */
export function useConversation() {
  const shown = useView({ limit: 30 })
  const { view, blocks, runs, pending, cancel, cancelAll, discard } = shown

  const layout = createLayout()
  const placeOf = (promptId: string) => view.branch(promptId).siblings[0]?.id ?? promptId
  const sections = computed(() => layout({ blocks: blocks.value, runs: runs.value, pending: pending.value, placeOf }))
  const exchanges = computed(() => sections.value.flatMap(({ rows }) => rows.flatMap((row) => row.exchanges)))
  /** The exchanges that can be stopped, or are being stopped. */
  const underWay = computed(() => exchanges.value.filter(isUnderWay))
  const running = computed(() => underWay.value.filter(({ run }) => !run?.stalled))

  const steerable = computed<readonly Steerable[]>(() => running.value.flatMap(steerableOf).toReversed())

  const promptOf = (text: string, files?: readonly FileUIPart[]) =>
    promptWithPace(text, { tokensPerSecond: speed.value, gate }, files)
  const send = (text: string, files?: readonly FileUIPart[]) => shown.send(promptOf(text, files))
  // NOTE: a regeneration has no message of its own, so until its run starts only its handle can cancel it
  const regenerating = shallowReactive(new Map<string, ActiveRun<UIMessage>>())
  const stop = ({ id, run }: Exchange) => regenerating.get(id)?.cancel() ?? cancel(run ? run.runId : { inputId: id })

  /** Stops the run at a place, or else the newest run. */
  async function stopOne(place?: string): Promise<void> {
    const live = underWay.value.filter((exchange) => statusOf(exchange) !== 'cancelling')
    const wanted = place === undefined ? live.at(-1) : live.find((exchange) => exchange.place === place)
    if (wanted) await stop(wanted)
  }

  /** Sends a new version of a prompt, with the same files. */
  const edit = ({ id, prompt }: Exchange, text: string) => shown.edit(id, promptOf(text, filesOf(prompt)))

  async function regenerate({ id }: Exchange, answer: Message): Promise<void> {
    const run = await shown.regenerate(answer.id)
    regenerating.set(id, run)
    await run.started.finally(() => regenerating.delete(id))
  }

  /** Sends a failed prompt again, wakes the agent for a pending one, or regenerates the answer. */
  async function again(exchange: Exchange): Promise<void> {
    const { prompt, pending: waiting, replies } = exchange
    const answer = replies.find((reply) => !isSteer(reply))
    // NOTE: a prompt that was stopped stays stopped when an agent is woken for it
    const isWaiting = waiting && !waiting.cancelling
    if (prompt && (prompt.state === 'failed' || isWaiting)) await shown.retry(prompt.id)
    else if (answer) await regenerate(exchange, answer)
    else if (prompt) await edit(exchange, textOf(prompt))
  }

  const unsentSteers = shallowReactive(new Map<string, UnsentSteer>())
  /** Shows a steer until the conversation has it. Resolves once it is published. */
  function showSteer(runId: string, text: string, { id, published, outcome }: Steer): Promise<unknown> {
    unsentSteers.set(id, { id, runId, text })
    const forget = () => unsentSteers.delete(id)
    outcome.then(forget, forget)
    return published
  }

  /** Steers an active run. */
  const steer = (runId: string, text: string) => showSteer(runId, text, view.steer(runId, text))

  /** Approves or denies a tool call. */
  const approve = ({ id }: Message, call: Approval) => view.answer(id, UIMessageCodec.createToolApproval(call))

  return {
    view,
    sections,
    exchanges,
    underWay,
    running,
    steerable,
    runs,
    hasOlder: shown.hasOlder,
    isLoadingOlder: shown.isLoadingOlder,
    send,
    stop,
    stopOne,
    stopAll: () => cancelAll(),
    edit,
    again,
    regenerating: regenerating as ReadonlyMap<string, unknown>,
    unsentSteers: unsentSteers as ReadonlyMap<string, UnsentSteer>,
    showSteer,
    steer,
    approve,
    discard: ({ id }: Exchange) => discard(id),
    wake({ id, run, pending: waiting }: Exchange): void {
      if (run?.cancelling?.wake) run.cancelling.wake.retry()
      else if (waiting?.wake && waiting.wake.state !== 'accepted') waiting.wake.retry()
      else view.wake(waiting?.inputId ?? id)
    },
    loadOlder: () => shown.loadOlder(30),
  }
}

export type Conversation = ReturnType<typeof useConversation>

function isUnderWay(exchange: Exchange): boolean {
  const { run, pending, prompt } = exchange
  if (isStopUnanswered(exchange)) return false
  if (run) return run.status === 'active' || run.status === 'suspended'
  return isWaiting(pending) || prompt?.state === 'pending'
}

const isWaiting = (pending: Exchange['pending']): boolean => pending !== undefined && pending.wake?.state !== 'failed'

function steerableOf(exchange: Exchange): Steerable[] {
  const { run, lane } = exchange
  const isHeard = run?.status === 'active' && (!run.cancelling || run.cancelling.refused)
  return isHeard ? [{ runId: run.runId, lane, name: runName(exchange) }] : []
}

const filesOf = (prompt: Exchange['prompt']): FileUIPart[] =>
  prompt?.message.parts.filter((part) => part.type === 'file') ?? []
