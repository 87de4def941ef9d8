import type { Codec } from './codec'
import { ErrorCode, unableTo, type SessionError } from './errors'
import type { Row } from './log'
import type { RunNode } from './run-node'
import { isSteer } from './run-state'
import type { Tree } from './tree'
import { MessageName, type Headers } from './wire'

/** An answer that settled a call before a later one. */
export interface EarlierAnswer {
  readonly clientId: string | undefined
  /** The answer in a word, such as "denied". */
  readonly outcome: string
}

/** The answers to the calls of a run that its access policy lets count, by serial. */
export const answersIn = <M extends object>({ access }: Tree<M>, run: RunNode<M>): Row[] =>
  run.contentRows.filter(
    (row) => row.name === MessageName.input && !isSteer(row) && access.filterInput(row, run.owner) !== undefined,
  )

/**
 * The answer that settled the call of a later one. Of several answers to a call the one with the lowest serial counts, for
 * every client and for the agent.
 *
 * @param answers - by serial; those behind the later one are ignored
 */
export function settledBefore<M extends object>(
  codec: Codec<M>,
  answers: readonly Row[],
  later: { readonly serial?: string; readonly codec: Headers },
): EarlierAnswer | undefined {
  for (const { serial, clientId, codec: headers } of answers) {
    if (later.serial && serial >= later.serial) return undefined
    const outcome = codec.settles?.(headers, later.codec)
    if (outcome !== undefined) return { clientId, outcome }
  }
  return undefined
}

/** Why a later answer does not count. */
export const lateReason = ({ clientId, outcome }: EarlierAnswer): string =>
  `already answered by ${clientId || 'another client'}: ${outcome}`

export const alreadyAnswered = (earlier: EarlierAnswer): SessionError =>
  unableTo('answer', lateReason(earlier), ErrorCode.BadRequest)

/** The newest answer in a run that counts. */
export function newestAnswer<M extends object>(tree: Tree<M>, run: RunNode<M>): Row | undefined {
  const answers = answersIn(tree, run)
  return answers.findLast((row) => !settledBefore(tree.codec, answers, row))
}
