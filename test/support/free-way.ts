import { Outlet, type Way } from '../../src/agent/outlet'
import { Pacer } from '../../src/agent/pacer'

/** A way onto a channel played by the test, without any pace to keep. */
export const freeWay = (channel: object, report: Way['report'] = () => undefined): Way => ({
  // Only what the test plays of a channel
  channel: channel as Way['channel'],
  report,
  pacer: new Pacer({ isHeldUp: false, maxInboundRate: undefined, onChange: () => () => undefined }),
  uplink: { maxMessageSize: 65_536, connectionId: 'connection', isHeldUp: false },
})

export const freeOutlet = (channel: object): Outlet => new Outlet(freeWay(channel))
