import type { SessionChannel } from '../ably/session-channel'
import type { Uplink } from '../ably/uplink'
import type { ReplyCodec } from '../core/codec'
import type { SessionError } from '../core/errors'
import type { Row } from '../core/log'
import type { Tree } from '../core/tree'
import type { ChannelMessage } from '../core/wire'
import type { ChannelRun } from './channel-run'
import type { History } from './history'
import type { Pacer } from './pacer'
import type { Triggers } from './triggers'

/** What a session knows of its channel. */
export interface ChannelView<M extends object> {
  readonly tree: Tree<M>
  readonly triggers: Triggers
  readonly history: History
  /** Calls back after every message that is heard and every page that is read; returns how to stop that. */
  readonly onHeard: (listener: () => void) => () => void
}

/** What a run needs from its session. */
export interface RunHost<M extends object, Chunk> extends ChannelView<M> {
  readonly name: string
  readonly codec: ReplyCodec<M, Chunk>
  readonly channel: SessionChannel
  readonly pacer: Pacer
  readonly uplink: Uplink
  connect(): Promise<void>
  /** The message that a row came with. */
  readonly messageOf: (row: Row) => ChannelMessage
  readonly report: (error: SessionError) => void
  /** Called when a run goes on here that was suspended: whoever watched over it need not any longer. */
  takeOver(run: ChannelRun<M, Chunk>): void
  /** Called once, when the run is over or was left. */
  forget(run: ChannelRun<M, Chunk>): void
}
