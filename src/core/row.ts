import type { Headers, MessageName } from './wire'

/** The message with one serial, as Ably's history would return it. */
export interface Row {
  /** Position in the channel; empty for an optimistic prompt whose echo has not arrived. */
  readonly serial: string
  /** Serial of the newest version folded in. */
  version: string
  name: MessageName
  transport: Headers
  codec: Headers
  /** Full data so far. */
  data: unknown
  /** Ably-verified publisher. */
  readonly clientId: string | undefined
  /** Milliseconds since the epoch, by Ably's clock. */
  readonly timestamp: number
  /** First met through an append, so only reading it again makes certain that nothing of it is missing. */
  partial: boolean
  /** The appends to a partial row, oldest first. */
  pieces?: Piece[]
  /** The version up to which history has told it. */
  beginning?: string
  deleted: boolean
  /** Where the tree put this row. */
  home?: RowHome
  /** The message part that this row feeds, so that growing it touches nothing else. */
  part?: object
}

/** The text of one or several consecutive appends. */
export interface Piece {
  readonly from: string
  readonly version: string
  readonly data: string
}

/** The owner of a row; the log itself does not look inside. */
export interface RowHome {
  readonly key: string
  /** The message that it follows. */
  readonly parent?: string | undefined
  /** Takes back the rows that it has let the log keep in little room. */
  expand?(rows: readonly Row[]): void
}

/** Above every serial: the level of prompts that the channel does not have yet. */
export const unsent = '\uffff'
