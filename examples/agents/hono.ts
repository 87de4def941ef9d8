import { serve } from '@hono/node-server'
import { Hono } from 'hono'
import { agent, token } from './agent.ts'

const app = new Hono()
app.post('/api/agent', (c) => agent.fetch(c.req.raw))
app.get('/api/ably/token', (c) => token(c.req.raw))

serve({ fetch: app.fetch, port: Number(process.env.PORT ?? 3000) }, (address) => console.log('Listening on', address))

process.on('SIGTERM', () => void agent.close().then(() => process.exit()))
