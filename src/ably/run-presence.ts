import type { PresenceMessage, RealtimeChannel, RealtimeClient } from 'ably'
import { isPlainObject, parseJson } from '../core/collections'
import { ErrorCode, unableTo } from '../core/errors'

/** The presence of agents on a session's channel, for clients: each agent names its live runs there. */
export class RunPresence {
  protected readonly client: RealtimeClient
  protected readonly channelOf: () => RealtimeChannel

  constructor(client: RealtimeClient, channelOf: () => RealtimeChannel) {
    this.client = client
    this.channelOf = channelOf
  }

  /** Whether the client hears presence, so that reading it needs no request. */
  get isHeard(): boolean {
    return this.has('presence_subscribe')
  }

  /**
   * Reads which runs present agents name as live; undefined when presence cannot be read.
   *
   * @param isAgent - whether a client id belongs to an agent
   */
  async read(isAgent: (clientId: string | undefined) => boolean): Promise<ReadonlySet<string> | undefined> {
    try {
      const members = await (this.isHeard ? this.channelOf().presence.get() : this.#request())
      return new Set(members.filter(({ clientId }) => isAgent(clientId)).flatMap(({ data }) => runsIn(data)))
    } catch {
      return undefined
    }
  }

  /** Reads presence over REST, for clients without the presence plugin. */
  async #request(): Promise<readonly PresenceMessage[]> {
    const path = `/channels/${encodeURIComponent(this.channelOf().name)}/presence`
    const { items, success } = await this.client.request<PresenceMessage>('GET', path, 2, { limit: 1000 })
    if (!success) throw unableTo('read presence', 'the service refused', ErrorCode.Unauthorized)
    return items
  }

  protected has(mode: 'presence' | 'presence_subscribe'): boolean {
    const channel = this.channelOf()
    try {
      return !!channel.presence && (channel.modes?.includes(mode) ?? false)
    } catch {
      // NOTE: modular clients without the plugin throw when presence is read
      return false
    }
  }
}

function runsIn(data: unknown): readonly string[] {
  // NOTE: over REST the data is JSON text
  const value: unknown = typeof data === 'string' ? parseJson(data) : data
  const runs: unknown = isPlainObject(value) ? value.runs : undefined
  return Array.isArray(runs) ? runs.filter((id): id is string => typeof id === 'string') : []
}
