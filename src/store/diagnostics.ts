import { isDevelopment } from '../core/development'

/** Mistakes of developers: what happened and how to mend it. */
const problems = {
  piniaMissing:
    'createAITransport() needs Pinia: call app.use(createPinia()) before app.use(createAITransport({ ... })).',
  installedTwice:
    'This Pinia has an AI transport already: call createAITransport() or pinia.use(sessionSync()) once per app.',
  transportMissing:
    'No AI transport is installed: call app.use(createAITransport({ client, agent })), or pinia.use(sessionSync({ ... })).',
  noPinia:
    'No Pinia found: call this inside setup(), a Pinia store or app.runWithContext(), after app.use(createPinia()).',
  agentsMissing:
    'createAITransport() has no "agents": whoever may publish on a channel can publish answers there. Set it to the client id of your agent.',
  noScope:
    'This composable was called outside setup(): call it in setup(), in a Pinia store or inside an effectScope, so that it can let go of the session.',
  noSession:
    'No session found: call useClientSession(name) in this component or an ancestor, wrap it in <SessionProvider name="...">, or pass { session }.',
} as const

/** An error for the developer, to throw. */
export const problem = (name: keyof typeof problems): Error => new Error(`[vue-ai-transport] ${problems[name]}`)

/** Tells the developer, in development only. */
export function noteMistake(name: keyof typeof problems): void {
  if (isDevelopment()) console.warn(`[vue-ai-transport] ${problems[name]}`)
}
