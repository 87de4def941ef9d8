import { pathToFileURL } from 'node:url'

// An endpoint in a process of its own. It enforces the service's rate, and a soak can let its time pass.
const [path = ''] = process.argv.slice(2)
const { createLocalEndpoint } = (await import(pathToFileURL(path).href)) as typeof import('../../src/local/index.ts')
const realNow = Date.now.bind(Date)
let skipped = 0
Date.now = () => realNow() + skipped
const endpoint = await createLocalEndpoint({ limits: { maxInboundRate: 50, maxChannels: 50 } })

/** A failure that the soak causes. */
export type Fault =
  | { fault: 'drop'; clientId: string; ms: number }
  | { fault: 'gap'; channel: string }
  | { fault: 'lose'; clientId: string }
  | { fault: 'refuse'; channel: string; name?: string; times: number; code: number; statusCode: number }
  | { fault: 'skip'; ms: number }

process.on('message', (order: Fault) => {
  try {
    if (order.fault === 'drop') endpoint.dropConnection(order.clientId, { refuseFor: order.ms })
    if (order.fault === 'gap') endpoint.breakContinuity(order.channel)
    if (order.fault === 'lose') endpoint.loseAck({ clientId: order.clientId })
    if (order.fault === 'skip') skipped += order.ms
    if (order.fault === 'refuse') {
      const { channel, name, times, code, statusCode } = order
      const match = { channel, clientId: 'agent', ...(name !== undefined && { name }) }
      endpoint.refusePublish(match, { times, error: { code, statusCode, message: 'refused by the soak' } })
    }
  } catch {
    // No connection matches
  }
})
process.on('disconnect', () => process.exit())
process.send!({ options: endpoint.clientOptions() })
