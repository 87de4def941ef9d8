import { RunPublisher, type PublishingChannel } from '../../src/agent/run-publisher'
import { Pacer } from '../../src/agent/pacer'
import { SessionPacer } from '../../src/agent/session-pacer'

/** A publisher for a channel of the test, without a rate limit. */
export const freeChannel = (
  channel: object,
  report: PublishingChannel['report'] = () => undefined,
): PublishingChannel => ({
  // The part of a channel that the test plays
  ably: channel as PublishingChannel['ably'],
  report,
  pacer: new SessionPacer(
    new Pacer({
      isHeldUp: false,
      maxInboundRate: undefined,
      confirm: () => Promise.resolve(),
      onChange: () => () => undefined,
    }),
  ),
  uplink: { maxMessageSize: 65_536, connectionId: 'connection', isHeldUp: false },
})

export const freePublisher = (channel: object): RunPublisher => new RunPublisher(freeChannel(channel))
