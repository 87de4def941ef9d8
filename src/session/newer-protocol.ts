import { isDevelopment } from '../core/development'
import { agentOf, isNewer, type ChannelMessage } from '../core/wire'

/** Tells the developer, once per session, that others speak a newer protocol on its channel. */
export class NewerProtocol {
  #isTold = false

  constructor(private readonly channelName: string) {}

  note(message: ChannelMessage): void {
    if (this.#isTold || !isNewer(message) || !isDevelopment()) return
    this.#isTold = true
    const agent = agentOf(message)
    console.warn(
      `[vue-ai-transport] Channel "${this.channelName}" carries "${message.name}" messages of a newer protocol${agent ? `, published by ${agent}` : ''}, which are ignored: update vue-ai-transport.`,
    )
  }
}
