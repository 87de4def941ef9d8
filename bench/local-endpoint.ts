import { pathToFileURL } from 'node:url'

// The endpoint under load, in its own process: `node --expose-gc bench/local-endpoint.ts <built file> <limits>`
const [file = '', limits = '{}'] = process.argv.slice(2)
const { createLocalEndpoint } = (await import(pathToFileURL(file).href)) as typeof import('../src/local/index.ts')
const endpoint = await createLocalEndpoint({ limits: JSON.parse(limits) as object })

process.on('message', (order: 'heap' | 'drop' | 'stop') => {
  if (order === 'stop') void endpoint.close().then(() => process.disconnect())
  if (order === 'drop') endpoint.dropConnection(() => Math.random() < 0.3, { refuseFor: 1 })
  if (order !== 'heap') return
  globalThis.gc?.()
  process.send?.({ heap: process.memoryUsage().heapUsed, cpu: process.cpuUsage() })
})
process.send?.({ options: endpoint.clientOptions() })
