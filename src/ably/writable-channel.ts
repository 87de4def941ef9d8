import { ErrorCode, unableTo } from '../core/errors'
import type { ChannelMessage, OutgoingMessage } from '../core/wire'
import { SessionChannel } from './session-channel'

/** A session's channel with the operations that only agents use, so that clients do not ship them. */
export class WritableChannel extends SessionChannel {
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
