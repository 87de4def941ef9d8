import { ref, watch, type Ref } from 'vue'
import type { RunInfo } from 'vue-ai-transport'
import type { Exchange } from '../conversation/exchange'
import type { Outages } from './useOutage'
import type { Link } from '../conversation/link'
import { runName } from '../conversation/status'
import { sentence } from '../conversation/words'

const endings = {
  complete: 'is complete',
  cancelled: 'stopped',
  suspended: 'needs approval',
  active: 'started',
} as const

/** Announcements for screen readers: starts and ends of runs, and the connection. Never tokens. */
export function useAnnouncements(
  runs: Readonly<Ref<readonly RunInfo[]>>,
  exchanges: Readonly<Ref<readonly Exchange[]>>,
  link: Readonly<Ref<Link>>,
  { outage, comeback }: Outages,
  isReady: Readonly<Ref<boolean>>,
) {
  const news = ref('')
  const alert = ref('')
  const known = new Map<string, string>()

  watch([runs, isReady], ([now]) => {
    const said: string[] = []
    for (const run of now) {
      const word = wordFor(run)
      const before = known.get(run.runId)
      if (before === word) continue
      known.set(run.runId, word)
      if (!isReady.value) continue
      const shown = exchanges.value.find((exchange) => exchange.run?.runId === run.runId)
      const name = shown ? runName(shown) : 'a run'
      if (run.status === 'error') alert.value = `${sentence(name)} failed: ${run.error?.message ?? 'no reason given'}`
      else if (word === 'unanswered') said.push(`The agent isn't responding to Stop for ${name}`)
      else if (word === 'stalled') said.push(`The agent isn't responding for ${name}`)
      else if (word === 'refused') said.push(`The agent refused to stop ${name}`)
      else if (word === 'cancelling') said.push(`Stopping ${name}`)
      else if ((before === 'suspended' || before === 'stalled') && word === 'active')
        said.push(`${sentence(name)} continues`)
      else said.push(`${sentence(name)} ${endings[run.status]}`)
    }
    if (said.length > 0) news.value = `${said.join('. ')}.`
  })

  watch(link, (now) => {
    if (now === 'reconnecting') alert.value = 'Connection lost. Reconnecting.'
    else if (now === 'failed') alert.value = 'Disconnected.'
    else if (now === 'connected') alert.value = ''
    // NOTE: screen readers repeat a text only if it was cleared before
    if (now === 'reconnecting') news.value = ''
  })
  watch(comeback, (now) => (news.value = now?.words ?? ''))
  watch(
    () => outage.value?.kind === 'gap',
    (isGap) => isGap && (alert.value = 'Some messages are missing.'),
  )

  return { news, alert }
}

function wordFor({ status, stalled, cancelling }: RunInfo): string {
  if (status === 'active' && stalled && !cancelling) return 'stalled'
  if (status !== 'active' || !cancelling) return status
  if (cancelling.refused) return 'refused'
  return cancelling.unanswered ? 'unanswered' : 'cancelling'
}
