import type { Row } from './rows'
import type { ReactivePort } from './signals'
import type { Headers } from './wire'

/** A node's messages while its rows are folded into them. */
export interface Draft<M> {
  /** The message of this id, made when it is first mentioned. */
  message(id: string, role: string): M
  /** The message of this id, if it exists. */
  find(id: string): M | undefined
  /** The writable form of a part that was met in an earlier row. Never write to a remembered part directly. */
  live<P extends object>(part: P): P
  /** Marks a value (a tool's output, say) that is replaced whole and not observed inside. */
  opaque<T>(value: T): T
}

/**
 * Folds one row into the messages of its node: the one it belongs to is named by `row.transport[Header.messageId]`.
 * Answers with the part (or the message) that a streamed row feeds, so that later growth goes there directly.
 */
export type Fold = (row: Row) => object | undefined

declare const messageOf: unique symbol

/**
 * An answer to a suspended reply: a tool's output, an approval. The codec that reads it creates it. `M` is the message
 * type of the reply, so that a session with other tools refuses it.
 */
// oxlint-disable-next-line typescript/no-explicit-any -- an answer of no declared type fits every session
export interface Answer<M = any> extends EncodedPart {
  readonly type: 'answer'
  /** Only a type: no answer has it at run time. */
  readonly [messageOf]?: M
}

/** A message to be sent as it is. */
export interface WholeMessage<M> {
  readonly type: 'message'
  readonly message: M
}

/** An input that a client can send. */
export type Input<M> = WholeMessage<M> | { readonly type: 'regenerate' } | Answer<M>

/** One channel message of an input: its codec headers and data. */
export interface EncodedPart {
  readonly codec: Headers
  readonly data: unknown
}

/** A copy of a run's message, with the id that it has in the run that replaces that run. */
export interface Seed<M> {
  readonly messageId: string
  readonly message: M
}

/** One operation on the channel for a chunk of a reply. */
export type Operation =
  | {
      op: 'publish'
      codec: Headers
      data: unknown
      ephemeral?: boolean
      /** Whether the part is complete without it: when it is too large, it is reported and left out. */
      isExtra?: boolean
    }
  | {
      op: 'open'
      streamId: string
      codec: Headers
      /**
       * Codec headers to add to each further message of the stream, when one message cannot hold its text. Without them
       * the text is never divided.
       */
      further?: Headers
    }
  | { op: 'append'; streamId: string; data: string }
  | { op: 'close'; streamId: string; codec?: Headers; data?: string }

/** The result of an incomplete reply. */
export interface ReplyEnding {
  /** `suspend` when the reply waits for the output of a tool, or for an approval. */
  readonly reason: 'cancelled' | 'error' | 'suspend'
  readonly message: string
}

/** How a model is to read a message. */
export interface ModelReading {
  /** Text to add at the end, for the model: why an answer is not whole, for example. */
  readonly note?: string
  /** Whether the model continues this very reply, so that calls with an approval are still to be made. */
  readonly isOpen?: boolean
  /** Whether the last step was cut short, so that the provider has not stored it. */
  readonly isUnfinished?: boolean
}

/** Turns the chunks of one reply into operations; remembers its open streams. */
export interface Encoder<Chunk> {
  /** Operations for one chunk; none for a chunk the codec does not carry. */
  encode(chunk: Chunk): Operation[]
  /**
   * Operations for a chunk that arrives after the user pressed Stop: metadata about the message, but no content.
   * Without this method such chunks are dropped.
   */
  encodeAfterStop?(chunk: Chunk): Operation[]
  /** Operations that replace a chunk that is too large to publish. @param size - the size of the chunk in bytes */
  refuse?(chunk: Chunk, size: number): Operation[]
  /**
   * The result of the reply according to the encoded chunks; undefined if the reply is complete, or its chunks do not
   * tell.
   */
  ending?(): ReplyEnding | undefined
}

/**
 * How messages of type `M` travel on a session's channel, as clients use it. Everything else in the library is
 * independent of the message format, so your own format is one object of this shape: `encode` creates the channel
 * messages, and `decodes`, `fold` and `grow` read them, from every publisher and in all pieces.
 * An agent needs a {@link ReplyCodec}.
 */
export interface Codec<M extends object> {
  /** Named in the channel's `agent` parameter, for support and debugging. */
  readonly name: string
  /** A message without parts. */
  create(id: string, role: string): M
  /** Begins folding one node. Rows come in serial order. Must never throw, also for malformed rows of other clients. */
  fold(draft: Draft<M>): Fold
  /**
   * Updates a part after its row got longer or its stream ended; `opaque` marks values as
   * {@link Draft.opaque} does. `write(row.part, field, text)` is the cheapest way to write text that grows.
   */
  grow(part: object, row: Row, opaque: <T>(value: T) => T, write: ReactivePort['write']): void
  /** Whether a row says something about a message; one that does not makes no node. */
  decodes(row: Row): boolean
  /** Turns the argument of `send` into inputs: a string, a message or inputs. */
  inputs(given: string | M | Input<M> | readonly Input<M>[]): readonly Input<M>[]
  /**
   * The channel messages of one input, all of one message id. A `regenerate` is one message that `decodes` refuses; an
   * answer is the one that it consists of.
   */
  encode(input: Input<M>): { role?: string; parts: EncodedPart[] }
  /**
   * An answer together with the messages it speaks of, for a run that goes on from copies of them and takes the place
   * of the one that waits. Without this method answers can only continue the run that waits.
   */
  seeded?(answer: Answer, seeds: readonly Seed<M>[]): Answer
  /**
   * Whether a reply waits for an answer when those given have been taken in: for any, or for `next`, whose call may
   * have its answer already. Without this method the agent is woken for every answer, and each is taken.
   */
  waits?(reply: M, given: readonly Answer[], next?: Answer): boolean
  /** Whether a reply asks for an answer. Without this method an answer to an unknown call is taken. */
  asks?(reply: M, answer: Answer): boolean
  /**
   * How an answer settles the call of a later one ("denied"), in a word for an error message; undefined if the later
   * answer still counts. Both are given by their codec headers. Without this method every answer counts.
   */
  settles?(earlier: Headers, later: Headers): string | undefined
  /** The id of the call that an answer is about: it settles no other call. Without this method it may settle any. */
  callOf?(answer: Headers): string | undefined
}

/** A codec that also writes replies, for agents. */
export interface ReplyCodec<M extends object, Chunk> extends Codec<M> {
  /** A new encoder for the reply with this message id. */
  encoder(messageId: string): Encoder<Chunk>
  /**
   * A message as a model is to read it; undefined when it says nothing and gets no note. Without this method messages
   * are handed over as they are, and without notes.
   */
  forModel?(message: M, reading?: ModelReading): M | undefined
  /** Two messages of one role in a row as one, for models that refuse two. Without this method they stay two. */
  join?(first: M, second: M): M
  /** Whether a model can go on right after a reply, because it ends with the outcomes of calls. */
  isContinuable?(reply: M): boolean
  /**
   * Whether a reply has calls that were approved and have not run. They run only where the reply is the last message.
   */
  hasCallsToRun?(reply: M): boolean
  /** Whether a row says that its reply was cut short by an error or a Stop. */
  breaksOff?(row: Row): boolean
}
