import type { UIMessage } from 'ai'
import type { InboundMessage } from 'ably'
import { vi } from 'vitest'
import { UIMessageCodec } from '../../src/codec'
import type { ChannelMessage } from '../../src/core/wire'
import { ClientSession } from '../../src/session/client-session'
import type { DehydratedSession } from '../../src/session/context'
import type { FlushMode } from '../../src/session/scheduling'
import type { View } from '../../src/session/view'
import { FakeChannel, fakeAbly } from './fake-ably'
import { viewState, type RecordedState } from './transcripts'

/** A session on a scripted channel, whose publishes go nowhere. Its states need fake timers. */
export class Listener {
  readonly session: ClientSession<UIMessage>
  readonly view: View<UIMessage>
  readonly #channel: FakeChannel

  private constructor(
    history: readonly ChannelMessage[],
    pageSize: number,
    flush: FlushMode,
    rows?: DehydratedSession,
  ) {
    this.#channel = new FakeChannel((from, to) => history.slice(from, to) as InboundMessage[])
    this.session = new ClientSession({
      client: fakeAbly(this.#channel, 'watcher'),
      sessionName: this.#channel.name,
      codec: UIMessageCodec,
      historyPageSize: pageSize,
      flush,
      rows,
    })
    this.view = this.session.view
  }

  /** Attaches to a channel with this history, newest first. */
  static async on(
    history: readonly ChannelMessage[] = [],
    pageSize = 100,
    flush: FlushMode = 'sync',
    rows?: DehydratedSession,
  ): Promise<Listener> {
    const listener = new Listener(history, pageSize, flush, rows)
    await listener.session.connect()
    return listener
  }

  hear(messages: readonly ChannelMessage[]): void {
    for (const message of messages) this.#channel.deliver(structuredClone(message) as InboundMessage)
  }

  /** The ids of the visible messages of a view. */
  shown(view = this.view): string[] {
    return view.getMessages().map(({ id }) => id)
  }

  /** Reads all of the history. */
  async readBack(): Promise<void> {
    await this.view.loadUntil(() => false)
  }

  /** The state of a view once missing text is no longer awaited. */
  state(branchesOf: readonly string[] = [], view = this.view): RecordedState {
    vi.advanceTimersByTime(1000)
    return viewState(view, branchesOf)
  }

  /** The state of a new view, which has selected and kept nothing. */
  newcomerState(branchesOf: readonly string[] = []): RecordedState {
    vi.advanceTimersByTime(1000)
    const view = this.session.createView()
    const state = viewState(view, branchesOf)
    view.close()
    return state
  }
}
