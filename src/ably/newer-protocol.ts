import { agentOf, isNewer, type ChannelMessage } from '../core/wire'

/** Warns the developer, once per session, that other clients use a newer protocol on its channel. */
export class NewerProtocolWarning {
  readonly #channelName: string
  #isGiven = false

  constructor(channelName: string) {
    this.#channelName = channelName
  }

  check(message: ChannelMessage): void {
    try {
      // NOTE: spelled out, so that bundlers drop the warning in production
      if (process.env.NODE_ENV !== 'production') this.#warn(message)
    } catch {
      // A page without a bundler has no `process`
    }
  }

  #warn(message: ChannelMessage): void {
    if (this.#isGiven || !isNewer(message)) return
    this.#isGiven = true
    const agent = agentOf(message)
    console.warn(
      `[vue-ai-transport] Channel "${this.#channelName}" carries "${message.name}" messages of a newer protocol${agent ? `, published by ${agent}` : ''}, which are ignored: update vue-ai-transport.`,
    )
  }
}
