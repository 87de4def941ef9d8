import type { ChannelState, PresenceMessage, RealtimeChannel, RealtimeClient } from 'ably'
import { isPlainObject } from '../core/collections'
import { ErrorCode, unableTo } from '../core/errors'

/** The presence of agents on a session's channel: each agent names its live runs there. */
export class RunPresence {
  readonly #client: RealtimeClient
  readonly #channel: () => RealtimeChannel

  constructor(client: RealtimeClient, channel: () => RealtimeChannel) {
    this.#client = client
    this.#channel = channel
  }

  /** The client's channel: several sessions of a client share one, and one entry in presence. */
  get channel(): RealtimeChannel {
    return this.#channel()
  }

  /** Whether the client is on the channel, or will be when the network is back; otherwise it is not in presence. */
  get isPresent(): boolean {
    return present.has(this.#channel().state)
  }

  /** Whether this client may enter presence on the attached channel, under an identity of its own. */
  get canEnter(): boolean {
    const { clientId } = this.#client.auth
    return !!clientId && clientId !== '*' && this.#has('presence')
  }

  /** Whether the client hears presence, so that reading it needs no request. */
  get isHeard(): boolean {
    return this.#has('presence_subscribe')
  }

  /** Names these runs as live; without any run it leaves presence. */
  async publish(runIds: readonly string[]): Promise<void> {
    const { presence } = this.#channel()
    // NOTE: an update of an absent member enters it
    await (runIds.length > 0 ? presence.update({ runs: runIds }) : presence.leave())
  }

  /**
   * Reads which runs present agents name as live; undefined when presence cannot be read.
   *
   * @param isAgent - whether a client id belongs to an agent
   */
  async read(isAgent: (clientId: string | undefined) => boolean): Promise<ReadonlySet<string> | undefined> {
    try {
      const members = await (this.isHeard ? this.#channel().presence.get() : this.#request())
      return new Set(members.filter(({ clientId }) => isAgent(clientId)).flatMap(({ data }) => runsIn(data)))
    } catch {
      return undefined
    }
  }

  /** Reads presence over REST, for clients without the presence plugin. */
  async #request(): Promise<readonly PresenceMessage[]> {
    const path = `/channels/${encodeURIComponent(this.#channel().name)}/presence`
    const { items, success } = await this.#client.request<PresenceMessage>('GET', path, 2, { limit: 1000 })
    if (!success) throw unableTo('read presence', 'the service refused', ErrorCode.Unauthorized)
    return items
  }

  #has(mode: 'presence' | 'presence_subscribe'): boolean {
    const channel = this.#channel()
    try {
      return !!channel.presence && (channel.modes?.includes(mode) ?? false)
    } catch {
      // NOTE: modular clients without the plugin throw when presence is read
      return false
    }
  }
}

const present: ReadonlySet<ChannelState> = new Set(['attached', 'attaching', 'suspended'])

function runsIn(data: unknown): readonly string[] {
  // NOTE: over REST the data is JSON text
  const value: unknown = typeof data === 'string' ? parsed(data) : data
  const runs: unknown = isPlainObject(value) ? value.runs : undefined
  return Array.isArray(runs) ? runs.filter((id): id is string => typeof id === 'string') : []
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
