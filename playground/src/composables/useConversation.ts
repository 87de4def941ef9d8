import { computed } from 'vue'
import { useView } from 'vue-ai-transport'
import { promptWithPace } from '../../shared/pace'
import { createLayout, type Exchange } from '../conversation/layout'
import { statusOf, textOf } from '../conversation/status'
import { speed } from '../settings'

const isOver = ({ run, pending, prompt }: Exchange): boolean =>
  run ? run.status !== 'active' && run.status !== 'suspended' : !pending && prompt?.state !== 'pending'

/** The conversation as the page shows it, and what its buttons do. */
export function useConversation() {
  const shown = useView({ limit: 30 })
  const { blocks, runs, pending, cancel, cancelAll, discard } = shown

  const apart = new Set<string>()
  const layout = createLayout(apart)
  const sections = computed(() => layout({ blocks: blocks.value, runs: runs.value, pending: pending.value }))
  const exchanges = computed(() => sections.value.flatMap(({ rows }) => rows.flatMap((row) => row.exchanges)))
  const running = computed(() => exchanges.value.filter((exchange) => !isOver(exchange)))

  const send = (text: string) => shown.send(promptWithPace(text, speed.value))
  const stopAndSend = (text: string) => {
    const prompt = promptWithPace(text, speed.value)
    apart.add(prompt.id)
    return shown.send(prompt, { whenBusy: 'interrupt' })
  }
  const stop = ({ id, run }: Exchange) => cancel(run ? run.runId : { inputId: id })

  /** Stops the run that was asked for last. */
  async function stopNewest(): Promise<void> {
    const newest = running.value.findLast((exchange) => statusOf(exchange) !== 'cancelling')
    if (newest) await stop(newest)
  }

  /** Sends what could not be sent, wakes what could not be woken, and asks anew where there was an answer. */
  async function retry(exchange: Exchange): Promise<void> {
    const { prompt, pending: waiting } = exchange
    if (!prompt) return
    if (prompt.state === 'failed' || waiting) await shown.retry(prompt.id)
    else await send(textOf(prompt))
  }

  return {
    sections,
    exchanges,
    running,
    runs,
    hasOlder: shown.hasOlder,
    isLoadingOlder: shown.isLoadingOlder,
    send,
    stopAndSend,
    stop,
    stopNewest,
    stopAll: () => cancelAll(),
    retry,
    discard: ({ id }: Exchange) => discard(id),
    loadOlder: () => shown.loadOlder(30),
  }
}
