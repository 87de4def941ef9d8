import { agent, token } from './agent.ts'

interface Context {
  /** Keeps the instance alive until the answer is complete. */
  waitUntil(promise: Promise<unknown>): void
}

/** For platforms whose functions are fetch handlers. */
export default {
  fetch(request: Request, _env: unknown, context: Context): Promise<Response> | Response {
    const { pathname } = new URL(request.url)
    if (pathname === '/api/agent') return agent.fetch(request, context)
    if (pathname === '/api/ably/token') return token(request)
    return new Response('Not found', { status: 404 })
  },
}
