import { RunPublisher, type PublishingChannel } from '../../src/agent/run-publisher'
import { Pacer, SessionPacer } from '../../src/agent/pacer'

/** A channel of the test, by default without a rate limit. */
export function freeChannel(
  channel: object,
  report: PublishingChannel['report'] = () => undefined,
  maxRate = Infinity,
): PublishingChannel {
  const pacer = new Pacer({
    isHeldUp: false,
    maxInboundRate: undefined,
    confirm: () => Promise.resolve(),
    onChange: () => () => undefined,
  })
  pacer.maxRate = maxRate
  return {
    // The part of a channel that the test plays
    ably: channel as PublishingChannel['ably'],
    report,
    pacer: new SessionPacer(pacer),
    uplink: { maxMessageSize: 65_536, connectionId: 'connection', isHeldUp: false },
  }
}

export const freePublisher = (channel: object): RunPublisher => new RunPublisher(freeChannel(channel))
