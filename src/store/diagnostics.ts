/** Mistakes of developers. */
const problems = {
  piniaMissing: 'createAITransport() needs Pinia',
  installedTwice: 'This Pinia has an AI transport already',
  transportMissing: 'No AI transport is installed',
  noPinia: 'No Pinia found',
  agentsMissing: 'createAITransport() has no "agents"',
  noScope: 'This composable was called outside setup()',
  noSession: 'No session found',
} as const

type Problem = keyof typeof problems

/** The fix of each mistake, shown in development. */
const fixes: Record<Problem, string> = {
  piniaMissing: 'call app.use(createPinia()) before app.use(createAITransport({ ... })).',
  installedTwice: 'call createAITransport() or pinia.use(sessionSync()) once per app.',
  transportMissing:
    'call app.use(createAITransport({ client, agent })), or pinia.use(sessionSync({ ... })) where Pinia is set up.',
  noPinia: 'call this inside setup(), a Pinia store or app.runWithContext(), after app.use(createPinia()).',
  agentsMissing:
    'any client that can publish on a channel can publish answers there. Set it to the client id of your agent.',
  noScope: 'call it in setup(), in a Pinia store or inside an effectScope, so that it can release the session.',
  noSession:
    'call useClientSession(name) in this component or an ancestor, wrap it in <SessionProvider name="...">, or pass { session }.',
}

/** An error for the developer, to throw; in production it names the problem and no more. */
export function problem(name: Problem): Error {
  let rest = ` (${name})`
  try {
    // NOTE: spelled out, so that bundlers drop the fixes in production
    if (process.env.NODE_ENV !== 'production') rest = `: ${fixes[name]}`
  } catch {
    // A page without a bundler has no `process`
  }
  return new Error(`[vue-ai-transport] ${problems[name]}${rest}`)
}

/** Warns the developer, in development only. */
export function noteMistake(name: Problem): void {
  try {
    if (process.env.NODE_ENV !== 'production') console.warn(problem(name).message)
  } catch {
    // As above
  }
}
