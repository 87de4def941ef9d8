import { computed, watch, type ComputedRef } from 'vue'
import { useClientSession, useRuns, type RunInfo } from 'vue-ai-transport'
import type { Conversation } from './useConversation'

/** Active runs on branches that the view does not show, and a function to show them. */
export function useOtherBranches({ view, runs, exchanges }: Conversation): {
  others: ComputedRef<readonly RunInfo[]>
  show: (run: RunInfo) => void
} {
  const { runs: all } = useRuns({ scope: 'session' })
  const others = computed(() => {
    const here = new Set(runs.value.map(({ runId }) => runId))
    return all.value.filter((run) => isUnderWay(run.status) && !run.cancelling?.unanswered && !here.has(run.runId))
  })

  // NOTE: remembers the messages above a run while it is shown: selecting them leads back to it, even after later edits
  const ways = new Map<string, { ids: readonly string[]; length: number }>()
  watch(
    exchanges,
    (shown) => {
      const ids: string[] = []
      for (const { prompt, run, replies } of shown) {
        if (prompt) ids.push(prompt.id)
        if (replies[0]) ids.push(replies[0].id)
        if (run && isUnderWay(run.status)) ways.set(run.runId, { ids, length: ids.length })
        else if (run) ways.delete(run.runId)
      }
    },
    { immediate: true },
  )

  const { tree } = useClientSession().session
  const select = (messageId: string | undefined): void => {
    if (messageId === undefined) return
    const { siblings, index, select: show } = view.branch(messageId)
    const wanted = siblings.findIndex(({ id }) => id === messageId)
    if (wanted !== index) show(wanted)
  }
  return {
    others,
    show({ runId, parentId }) {
      const way = ways.get(runId)
      for (const id of way ? way.ids.slice(0, way.length) : [parentId]) select(id)
      select(tree.messagesOf(runId)[0]?.id)
    },
  }
}

const isUnderWay = (status: RunInfo['status']): boolean => status === 'active' || status === 'suspended'
