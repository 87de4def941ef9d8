import type { PendingInput, RunInfo } from 'vue-ai-transport'
import type { Exchange } from './exchange'
import { freeLane } from './lanes'
import { topicOf } from './status'
import { isSteer, type Message } from './types'

/** Exchanges with overlapping runs, shown side by side. */
export interface Row {
  readonly id: string
  readonly exchanges: readonly Exchange[]
}

/** The rows that start in one block of the view. */
export interface Section {
  readonly id: string
  readonly rows: readonly Row[]
}

interface Draft {
  id: string
  block: string
  prompt?: Message
  pending?: PendingInput
  run?: RunInfo
  replies: Message[]
}

/** The content of a view, as `useView()` returns it. */
export interface Shown {
  blocks: readonly { readonly id: string; readonly messages: readonly Message[] }[]
  runs: readonly RunInfo[]
  pending: readonly PendingInput[]
  /** The first version of a prompt. */
  placeOf: (promptId: string) => string
}

/** Groups answers with their prompts, and exchanges with overlapping runs into rows. */
export function createLayout(): (shown: Shown) => readonly Section[] {
  // NOTE: decided once per exchange, because a row that splits later would make the page jump
  const besides = new Map<string, boolean>()
  const isBeside = (exchange: Exchange, before: Exchange): boolean => {
    const known = besides.get(exchange.place)
    if (known !== undefined) return known
    const decided = overlap(exchange, before)
    if (exchange.run || exchange.pending || exchange.prompt?.state === 'pending') besides.set(exchange.place, decided)
    return decided
  }
  let last: readonly Section[] = []
  return (shown) => (last = reuse(last, toSections(toExchanges(shown), isBeside)))
}

function toExchanges({ blocks, runs, pending, placeOf }: Shown): (Exchange & { block: string })[] {
  const drafts = new Map<string, Draft>()
  const byRun = new Map<string, Draft>()
  const runsById = new Map(runs.map((run) => [run.runId, run]))
  const draftFor = (id: string, block: string): Draft => {
    const draft = drafts.get(id) ?? { id, block, replies: [] }
    drafts.set(id, draft)
    return draft
  }
  for (const block of blocks) {
    for (const shown of block.messages) {
      if (shown.message.role !== 'user' || isSteer(shown)) continue
      draftFor(shown.id, block.id).prompt = shown
    }
  }
  for (const run of runs) {
    // NOTE: the input of a regeneration is not a prompt, so its run is found by its parent
    const draft = drafts.get(run.inputId ?? '') ?? drafts.get(run.parentId ?? '')
    if (!draft) continue
    draft.run = run
    byRun.set(run.runId, draft)
  }
  for (const block of blocks) {
    for (const shown of block.messages) {
      const { runId } = shown
      if (runId === undefined) continue
      const draft = byRun.get(runId) ?? draftFor(runId, block.id)
      draft.run = runsById.get(runId)
      byRun.set(runId, draft)
      draft.replies.push(shown)
    }
  }
  for (const each of pending) {
    const draft = drafts.get(each.inputId)
    if (draft && !draft.run) draft.pending = each
  }
  return withOrdinals(
    Array.from(drafts.values(), (draft) => ({
      ...draft,
      place: draft.prompt ? placeOf(draft.id) : draft.id,
      lane: 0,
    })),
  )
}

/** Tells active runs with the same prompt apart. */
function withOrdinals<T extends Exchange>(exchanges: readonly T[]): T[] {
  const twins = new Map<string, T[]>()
  for (const exchange of exchanges) {
    if (!isActive(exchange)) continue
    const topic = topicOf(exchange)
    twins.set(topic, [...(twins.get(topic) ?? []), exchange])
  }
  return exchanges.map((exchange) => {
    const group = isActive(exchange) ? twins.get(topicOf(exchange))! : []
    return group.length < 2 ? exchange : { ...exchange, ordinal: `${group.indexOf(exchange) + 1} of ${group.length}` }
  })
}

const isActive = ({ run, pending, prompt }: Exchange): boolean =>
  run ? !isOver(run) : pending !== undefined || prompt?.state === 'pending'

function toSections(
  exchanges: readonly (Exchange & { block: string })[],
  isBeside: (exchange: Exchange, before: Exchange) => boolean,
): Section[] {
  const sections: { id: string; block: string; rows: { id: string; exchanges: Exchange[] }[] }[] = []
  let before: Exchange | undefined
  for (const exchange of exchanges) {
    const section = sections.at(-1)
    const row = section?.rows.at(-1)
    if (row && before && isBeside(exchange, before)) row.exchanges.push(coloured(exchange, row.exchanges))
    else {
      const fresh = { id: exchange.place, exchanges: [coloured(exchange, [])] }
      if (section?.block === exchange.block) section.rows.push(fresh)
      else sections.push({ id: exchange.place, block: exchange.block, rows: [fresh] })
    }
    before = exchange
  }
  return sections
}

/** Gives an exchange the colour of its prompt, or the next one if an exchange of its row has that colour. */
const coloured = (exchange: Exchange, row: readonly Exchange[]): Exchange => ({
  ...exchange,
  lane: freeLane(exchange.prompt ? exchange.place : (exchange.run?.parentId ?? exchange.id), row),
})

/** Whether a prompt was sent while the run before it was active and not being stopped. */
function overlap(exchange: Exchange, before: Exchange): boolean {
  if (!before.run) return before.pending !== undefined && !before.pending.cancelling
  const { cancelling, cancelledBy, endedAt } = before.run
  const until = Math.min((cancelling ?? cancelledBy)?.at ?? Infinity, endedAt ?? (isOver(before.run) ? 0 : Infinity))
  return until === Infinity || (exchange.run?.startedAt ?? Infinity) < until
}

const isOver = ({ status }: RunInfo): boolean => status !== 'active' && status !== 'suspended'

/** Reuses unchanged objects, so that their components do not update. */
function reuse(old: readonly Section[], next: readonly Section[]): readonly Section[] {
  const rows = new Map(old.flatMap((section) => section.rows.map((row) => [row.id, row] as const)))
  const sections = new Map(old.map((section) => [section.id, section]))
  return next.map((section) => {
    const kept = section.rows.map((row) => reuseRow(rows.get(row.id), row))
    const known = sections.get(section.id)
    return known && isSameList(known.rows, kept) ? known : { ...section, rows: kept }
  })
}

function reuseRow(old: Row | undefined, next: Row): Row {
  if (!old) return next
  const known = new Map(old.exchanges.map((exchange) => [exchange.place, exchange]))
  const kept = next.exchanges.map((exchange) => {
    const before = known.get(exchange.place)
    return before && isSame(before, exchange) ? before : exchange
  })
  return isSameList(old.exchanges, kept) ? old : { ...next, exchanges: kept }
}

const isSame = (a: Exchange, b: Exchange): boolean =>
  a.id === b.id &&
  a.lane === b.lane &&
  a.prompt === b.prompt &&
  a.pending === b.pending &&
  a.run === b.run &&
  a.ordinal === b.ordinal &&
  isSameList(a.replies, b.replies)

const isSameList = (a: readonly unknown[], b: readonly unknown[]): boolean =>
  a.length === b.length && a.every((each, index) => each === b[index])
