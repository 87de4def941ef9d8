import express from 'express'
import { toNodeHandler } from 'vue-ai-transport/agent'
import { agent, token } from './agent.ts'

const app = express()
app.use(express.json()) // optional: the agent works with and without it
app.post('/api/agent', toNodeHandler(agent))
app.get('/api/ably/token', toNodeHandler(token))

const server = app.listen(Number(process.env.PORT ?? 3000), () => console.log('Listening on', server.address()))

process.on('SIGTERM', () => void agent.close().then(() => process.exit()))
