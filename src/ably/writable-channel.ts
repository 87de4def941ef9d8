import type { ChannelState, RealtimeChannel, RealtimeClient } from 'ably'
import { ErrorCode, unableTo } from '../core/errors'
import type { ChannelMessage, OutgoingMessage } from '../core/wire'
import { RunPresence } from './run-presence'
import { SessionChannel } from './session-channel'

/** A session's channel with the operations that only agents use, so that clients do not ship them. */
export class WritableChannel extends SessionChannel {
  override readonly runPresence: WritablePresence

  constructor(client: RealtimeClient, name: string, codecName: string) {
    super(client, name, codecName)
    this.runPresence = new WritablePresence(client, () => this.channel)
  }

  /** Publishes one message and answers with its serial. */
  async publishOne(message: OutgoingMessage): Promise<string> {
    const [serial] = await this.publish([message])
    if (serial === undefined) {
      throw unableTo(`publish "${message.name}"`, 'the channel returned no serial', ErrorCode.NoSerial)
    }
    return serial
  }

  /** Reads one message; undefined when it cannot be read. */
  read(serial: string): Promise<ChannelMessage | undefined> {
    return this.channel.getMessage(serial).catch(() => undefined)
  }

  /** Lengthens a message; answers with its version. Extras must be complete: the channel replaces them whole. */
  async append(serial: string, data: string, extras: OutgoingMessage['extras']): Promise<string | null | undefined> {
    const { versionSerial } = await this.named(this.channel.appendMessage({ serial, data, extras }))
    return versionSerial
  }

  /** Replaces a message's data. */
  async update(serial: string, data: unknown, extras: OutgoingMessage['extras']): Promise<void> {
    await this.named(this.channel.updateMessage({ serial, data, extras }))
  }
}

/** The presence of agents, for an agent that enters it. */
export class WritablePresence extends RunPresence {
  /** The client's channel: several sessions of a client share one, and one entry in presence. */
  get channel(): RealtimeChannel {
    return this.channelOf()
  }

  /** Whether the client is on the channel, or will be when the network is back; otherwise it is not in presence. */
  get isPresent(): boolean {
    return present.has(this.channel.state)
  }

  /** Whether this client may enter presence on the attached channel, under an identity of its own. */
  get canEnter(): boolean {
    const { clientId } = this.client.auth
    return !!clientId && clientId !== '*' && this.has('presence')
  }

  /** Names these runs as live; without any run it leaves presence. */
  async publish(runIds: readonly string[]): Promise<void> {
    const { presence } = this.channel
    // NOTE: an update of an absent member enters it
    await (runIds.length > 0 ? presence.update({ runs: runIds }) : presence.leave())
  }
}

const present: ReadonlySet<ChannelState> = new Set(['attached', 'attaching', 'suspended'])
