import { createServer } from 'node:http'
import { toNodeHandler } from 'vue-ai-transport/agent'
import { agent, token } from './agent.ts'

const routes = new Map([
  ['/api/agent', toNodeHandler(agent)],
  ['/api/ably/token', toNodeHandler(token)],
])

const server = createServer((request, response) => {
  const handler = routes.get(request.url?.split('?')[0] ?? '')
  if (handler) handler(request, response)
  else response.writeHead(404).end()
})

server.listen(Number(process.env.PORT ?? 3000), () => console.log('Listening on', server.address()))

// A deploy ends the process: open runs end as cancelled instead of hanging.
process.on('SIGTERM', () => void agent.close().then(() => process.exit()))
