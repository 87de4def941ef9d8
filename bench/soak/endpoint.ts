import { pathToFileURL } from 'node:url'

// An endpoint in its own process, so that its memory is not counted as that of sessions
const [path = ''] = process.argv.slice(2)
const { createLocalEndpoint } = (await import(pathToFileURL(path).href)) as typeof import('../../src/local/index.ts')
const endpoint = await createLocalEndpoint({ limits: { maxInboundRate: 50, maxChannels: 50 } })

/** The faults. */
export type Fault =
  | { fault: 'drop'; clientId: string; ms: number }
  | { fault: 'gap'; channel: string }
  | { fault: 'refuse'; channel: string; times: number; code: number; statusCode: number }

process.on('message', (order: Fault) => {
  try {
    if (order.fault === 'drop') endpoint.dropConnection(order.clientId, { refuseFor: order.ms })
    if (order.fault === 'gap') endpoint.breakContinuity(order.channel)
    if (order.fault === 'refuse') {
      const { channel, times, code, statusCode } = order
      endpoint.refusePublish({ channel, clientId: 'agent' }, { times, error: { code, statusCode, message: 'soaked' } })
    }
  } catch {
    // No client is connected that could be dropped
  }
})
process.on('disconnect', () => process.exit())
process.send!({ options: endpoint.clientOptions() })
