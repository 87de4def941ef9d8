import { ref, watch, type Ref } from 'vue'
import type { RunInfo } from 'vue-ai-transport'
import type { Exchange } from '../conversation/layout'
import type { Outages } from './useOutage'
import type { Link } from '../conversation/link'

const endings = {
  complete: 'is complete',
  cancelled: 'stopped',
  suspended: 'waits for you',
  active: 'started',
} as const

/** Words for those who listen: where runs begin and end, and how the connection fares. Never tokens. */
export function useAnnouncements(
  runs: Readonly<Ref<readonly RunInfo[]>>,
  exchanges: Readonly<Ref<readonly Exchange[]>>,
  link: Readonly<Ref<Link>>,
  { outage, homecoming }: Outages,
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
      const number = exchanges.value.find((exchange) => exchange.run?.runId === run.runId)?.number ?? ''
      if (run.status === 'error') alert.value = `Run ${number} failed: ${run.error?.message ?? 'no reason given'}`
      else if (word === 'unanswered') said.push(`No agent has answered the Stop of run ${number}`)
      else if (word === 'refused') said.push(`The agent refuses to stop run ${number}`)
      else if (word === 'cancelling') said.push(`Stopping run ${number}`)
      else if (before === 'suspended' && word === 'active') said.push(`Run ${number} goes on`)
      else said.push(`Run ${number} ${endings[run.status]}`)
    }
    if (said.length > 0) news.value = `${said.join('. ')}.`
  })

  watch(link, (now) => {
    if (now === 'reconnecting') alert.value = 'Connection lost. Trying again.'
    else if (now === 'failed') alert.value = 'Disconnected.'
    else if (now === 'connected') alert.value = ''
    // NOTE: the same words are heard again only where they have been away
    if (now === 'reconnecting') news.value = ''
  })
  watch(homecoming, (now) => (news.value = now?.words ?? ''))
  watch(
    () => outage.value?.kind === 'gap',
    (isGap) => isGap && (alert.value = 'Some messages are missing.'),
  )

  return { news, alert }
}

function wordFor({ status, cancelling }: RunInfo): string {
  if (status !== 'active' || !cancelling) return status
  if (cancelling.refused) return 'refused'
  return cancelling.unanswered ? 'unanswered' : 'cancelling'
}
