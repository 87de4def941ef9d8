import type { ModelReading, ReplyCodec } from '../core/codec'
import { newId } from '../core/wire'
import type { Row } from '../core/rows'
import { isStopping, type RunInfo } from '../core/run-info'
import type { Tree } from '../core/tree'
import type { ContextRule, RunOutcome } from './agent-run'
import { freshCopy, ownMessages, turnsTo, type OwnMessage, type OwnRun, type TurnOnPath } from './turns'
import { settleFully } from './lookup'
import { isContinuation } from './run-messages'

/** The part of a codec that prepares messages for a model. */
type ModelCodec<M extends object> = Pick<
  ReplyCodec<M, never>,
  'breaksOff' | 'create' | 'forModel' | 'hasCallsToRun' | 'isContinuable' | 'join' | 'waits'
>

/** A message in a model's conversation. */
interface Entry<M> {
  readonly message: M
  /** False for messages of users. */
  readonly isReply: boolean
  /** Whether its last step was cut short. */
  readonly isUnfinished?: boolean
}

/**
 * The conversation up to a trigger, as fresh objects.
 *
 * @param own - the run that answers the trigger, to add its messages so far
 */
export function contextOf<M extends object>(
  source: { readonly tree: Tree<M>; readonly codec: ModelCodec<M> },
  trigger: Row,
  include: ContextRule<M> = 'all',
  own?: OwnRun,
): M[] {
  settleFully(source.tree)
  const reader = new ModelReader(source.codec)
  const before = turnsTo(source, trigger).flatMap((onPath) => {
    const given = { ...onPath, turn: freshCopy(onPath.turn) }
    if (include === 'all') return reader.whole(given)
    if (include === 'answered') return reader.onlyAnswered(given)
    return include(given.turn).map(asUser)
  })
  const run = own && source.tree.runs.get(own.runId)
  if (run) own.answers.note(own.answers.among(run))
  const soFar = own ? callsLast(ownMessages(source, trigger, own), source.codec) : []
  const written = soFar.flatMap(({ message, isReply, isUnfinished }, index) =>
    isReply ? reader.replies([message], { isOpen: index === soFar.length - 1, isUnfinished }) : reader.users([message]),
  )
  const entries = [...before, ...written]
  return (include === 'all' ? reader.alternating(entries) : entries).map(({ message }) => message)
}

/**
 * The outcome of a run by its last pipe. A run is suspended instead of complete while a call of an earlier pipe waits
 * for its answer, or while an answer counts that no context has given to the model: the run resumes for that answer.
 *
 * @param own - the run, whose trigger is given
 * @param lastPipe - undefined for a run without a pipe, which is complete
 */
export function outcomeAfter<M extends object>(
  source: { readonly tree: Tree<M>; readonly codec: ModelCodec<M> },
  trigger: Row,
  own: OwnRun,
  lastPipe: RunOutcome = { reason: 'complete' },
): RunOutcome {
  settleFully(source.tree)
  const run = source.tree.runs.get(own.runId)
  // NOTE: a call for which no pipe has asked waits for nothing, such as that of a pipe that has failed
  const hasAsked = own.answers.areAwaited || isContinuation(trigger)
  if (lastPipe.reason !== 'complete' || !run || !hasAsked) return lastPipe
  if (own.answers.hasOthers(run)) return { reason: 'suspend' }
  // NOTE: whether the calls of the last pipe wait, its own ending tells
  const earlier = ownMessages(source, trigger, own)
    .filter(({ isReply }) => isReply)
    .slice(0, -1)
  const isOpen = earlier.some((each) => !each.isUnfinished && source.codec.waits?.(each.message, []))
  return isOpen ? { reason: 'suspend' } : lastPipe
}

const hasCallsToRun = <M extends object>({ message, isReply }: OwnMessage<M>, codec: ModelCodec<M>): boolean =>
  isReply && codec.hasCallsToRun?.(message) === true

/**
 * Messages of a run with the last reply that has calls to run behind all others: an approved call would not run
 * otherwise. An approval can arrive after the run has gone on.
 */
function callsLast<M extends object>(messages: OwnMessage<M>[], codec: ModelCodec<M>): OwnMessage<M>[] {
  const index = messages.findLastIndex((each) => hasCallsToRun(each, codec))
  return index < 0 ? messages : [...messages.toSpliced(index, 1), messages[index]!]
}

/** Turns the messages of a conversation into those that a model gets. */
class ModelReader<M extends object> {
  readonly #codec: ModelCodec<M>

  constructor(codec: ModelCodec<M>) {
    this.#codec = codec
  }

  /** A turn with its answer, which gets a note where it is not whole. */
  whole({ turn, kinds, isUnfinished, isLast, isCancelled }: TurnOnPath<M>): Entry<M>[] {
    const { prompt, run, answer, isFollowed } = turn
    const entries = prompt ? this.users([prompt]) : []
    const note = run ? noteOn(run) : isFollowed ? undefined : isCancelled ? stopped : waiting
    const said = answer.flatMap((message, index) => {
      if (kinds[index] === 'missed') return []
      if (kinds[index] === 'steer') return this.users([message])
      return this.replies([message], { isUnfinished: isUnfinished[index] })
    })
    if (isLast && !run) return [...entries, ...said]
    const missed = this.users(answer.filter((_, index) => kinds[index] === 'missed'))
    return [...entries, ...this.#noted(said, note), ...(missed.length > 0 ? this.#noted(missed, missedBy(run)) : [])]
  }

  /** A turn as the peer gives it: only with a complete answer, and messages of users as they are. */
  onlyAnswered({ turn: { prompt, run, answer, isFollowed }, kinds, isUnfinished }: TurnOnPath<M>): Entry<M>[] {
    const own = prompt ? [asUser(prompt)] : []
    if (!isFollowed) return own
    if (run && run.status !== 'complete') return []
    return [
      ...own,
      ...answer.flatMap((message, index) =>
        kinds[index] === 'reply' ? this.replies([message], { isUnfinished: isUnfinished[index] }) : asUser(message),
      ),
    ]
  }

  users(messages: readonly M[]): Entry<M>[] {
    return this.#read(messages, {}).map(asUser)
  }

  replies(messages: readonly M[], reading: ModelReading = {}): Entry<M>[] {
    return this.#read(messages, reading).map((message) => ({
      message,
      isReply: true,
      isUnfinished: reading.isUnfinished,
    }))
  }

  #read(messages: readonly M[], reading: ModelReading): M[] {
    if (!this.#codec.forModel) return [...messages]
    return messages.flatMap((message) => this.#codec.forModel!(message, reading) ?? [])
  }

  /**
   * Entries with a note on the last reply. Without a reply the note is a message of its own: the model must not answer
   * what was stopped, and strict providers refuse two messages of the user in a row.
   */
  #noted(entries: readonly Entry<M>[], note: string | undefined): Entry<M>[] {
    const last = entries.findLastIndex(({ isReply }) => isReply)
    if (last < 0) return [...entries, ...this.#note('assistant', note ?? empty)]
    return note === undefined
      ? [...entries]
      : entries.toSpliced(last, 1, ...this.replies([entries[last]!.message], { note }))
  }

  #note(role: 'assistant' | 'user', note: string): Entry<M>[] {
    if (!this.#codec.forModel) return []
    const message = this.#codec.create(newId(), role)
    return this.#read([message], { note }).map((read) => ({ message: read, isReply: role === 'assistant' }))
  }

  /**
   * Entries of alternating roles, with something for the model to answer at the end: the user's word, or outcomes of
   * calls in a reply that it can go on with. Strict providers refuse all else.
   */
  alternating(entries: readonly Entry<M>[]): Entry<M>[] {
    const turns: Entry<M>[] = []
    for (const entry of entries) {
      const before = turns.at(-1)
      const message = before?.isReply === entry.isReply && this.#codec.join?.(before.message, entry.message)
      if (message) turns.splice(-1, 1, { ...entry, message })
      else turns.push(...(before?.isReply && !entry.isReply ? this.#closed(turns.pop()!) : []), entry)
    }
    const last = turns.at(-1)
    if (!last?.isReply || (this.#goesOn(last) && !last.isUnfinished)) return turns
    return [...turns.slice(0, -1), ...this.#closed(last), ...this.#note('user', goOn)]
  }

  #goesOn({ message }: Entry<M>): boolean {
    return this.#codec.isContinuable?.(message) ?? true
  }

  /** A reply that the user's word may follow: it ends with a text, not with the outcome of a call. */
  #closed(reply: Entry<M>): Entry<M>[] {
    const isOpen = this.#codec.isContinuable?.(reply.message)
    return isOpen ? this.replies([reply.message], { note: ended }) : [reply]
  }
}

const asUser = <M>(message: M): Entry<M> => ({ message, isReply: false })

/** Tells the model why an answer is incomplete. */
function noteOn(run: RunInfo): string | undefined {
  const { status, error } = run
  if (status === 'complete') return undefined
  if (status === 'error') return `[This answer broke off here: ${error?.message ?? 'unknown error'}]`
  if (status === 'cancelled' || isStopping(run)) return stopped
  if (status === 'suspended') return '[This answer waits for the user here.]'
  return '[This answer is still being written.]'
}

/** Tells the model why a message sent into a run was not answered. */
function missedBy(run: RunInfo | undefined): string {
  const note = run && noteOn(run)
  return note ?? '[This message came too late for the answer above, and was not answered.]'
}

const stopped = '[The user stopped this answer here.]'
const waiting = '[This message is still waiting for its own answer.]'
const empty = '[This answer is empty.]'
const ended = '[This answer ended here.]'
const goOn = '[Continue.]'
