import { fileURLToPath } from 'node:url'
import { createServer } from 'vite'

// NOTE: Node runs this file itself, but sources import each other without extensions, which only Vite resolves
const vite = await createServer({
  configFile: false,
  root: fileURLToPath(new URL('../../..', import.meta.url)),
  server: { middlewareMode: true, ws: false, watch: null },
  appType: 'custom',
  optimizeDeps: { noDiscovery: true },
  logLevel: 'error',
})
await vite.ssrLoadModule('/test/support/agent-process/main.ts')
