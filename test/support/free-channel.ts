import { RunPublisher, type PublishingChannel } from '../../src/agent/run-publisher'
import { Pacer } from '../../src/agent/pacer'

/** A way onto a channel played by the test, without any pace to keep. */
export const freeChannel = (
  channel: object,
  report: PublishingChannel['report'] = () => undefined,
): PublishingChannel => ({
  // Only what the test plays of a channel
  ably: channel as PublishingChannel['ably'],
  report,
  pacer: new Pacer({ isHeldUp: false, maxInboundRate: undefined, onChange: () => () => undefined }),
  uplink: { maxMessageSize: 65_536, connectionId: 'connection', isHeldUp: false },
})

export const freePublisher = (channel: object): RunPublisher => new RunPublisher(freeChannel(channel))
