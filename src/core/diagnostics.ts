import { isPlainObject } from './collections'
import { reasonOf } from './errors'
import { agentOf, isNewer, type ChannelMessage } from './wire'

/** The fixes of mistakes that stop an app, shown in development. */
const fixes = {
  piniaMissing: 'call app.use(createPinia()) before app.use(createAITransport({ ... })).',
  installedTwice: 'call createAITransport() or pinia.use(sessionSync()) once per app.',
  transportMissing:
    'call app.use(createAITransport({ client, agent })), or pinia.use(sessionSync({ ... })) where Pinia is set up.',
  clientMissing: "pass client: () => new Ably.Realtime({ authUrl: '/api/ably/token' }).",
  noPinia: 'call this inside setup(), a Pinia store or app.runWithContext(), after app.use(createPinia()).',
  noScope: 'call it in setup(), in a Pinia store or inside an effectScope, so that it can release the session.',
  noSession:
    'call useClientSession(name) in this component or an ancestor, wrap it in <SessionProvider name="...">, or pass { session }.',
}

/** What to tell the developer: once for each text, or once for each object that it is about; undefined for nothing. */
type Warning = string | readonly [text: string, about: unknown] | undefined

/** A session, as warnings read it. */
interface SessionParts {
  readonly options: { readonly policy?: unknown }
  readonly channel: { readonly name: string; readonly clientId?: string }
  readonly tree: {
    readonly runs: ReadonlyMap<string, { readonly owner?: string }>
    readonly access: { ask(act: { kind: 'cancel'; clientId: string | undefined; ownerClientId: string }): boolean }
  }
}

/** Mistakes that an app survives, each with its fix. */
// NOTE: they take whole objects, because a bundler keeps what an argument reads in production
const warnings = {
  agentsMissing: () =>
    'createAITransport() has no "agents": any client that can publish on a channel can publish answers there. Set it to the client id of your agent.',
  answersIgnored: (clientId: string | undefined) =>
    clientId === undefined
      ? 'Answers of a client without a client id are ignored, because "agents" does not accept them. If it is your agent, give it one: new Ably.Realtime({ key, clientId: \'agent\' }).'
      : `Answers of client "${clientId}" are ignored, because "agents" does not name it. If it is your agent, set agents: '${clientId}' in createAITransport() and in defineAgent().`,
  clientWrong: (client: unknown) =>
    `"client" is not an Ably.Realtime client: it is ${kindOf(client)}. ${fixOf(client)}`,
  sessionRefused: ({ message }: Error) => `A component has no session: ${message}.`,
  idType: (id: unknown) =>
    typeof id === 'string'
      ? undefined
      : `An id must be a string, but is ${kindOf(id)}: pass the id of a run or message.`,
  agentMissing: ({ agent }: { agent?: unknown }, { shouldWake }: { shouldWake: boolean }) =>
    agent || !shouldWake
      ? undefined
      : "A prompt was sent, but no agent is woken: createAITransport() has no \"agent\". Set it to your agent's URL, as in agent: '/api/agent'; if your app wakes the agent itself, send with { wake: false }.",
  steerUnknown: (runId: unknown) =>
    `steer() was called for ${typeof runId === 'string' ? `"${runId}"` : kindOf(runId)}, which is not a run of this session: pass the runId of an active run, as in steer(run.runId, 'By train').`,
  whenBusy: (value: unknown) =>
    value === undefined || value === 'alongside' || value === 'interrupt'
      ? undefined
      : `"whenBusy" is 'alongside' or 'interrupt', not ${JSON.stringify(value)}: the prompt is sent alongside the active runs.`,
  busyVerb: (verb: unknown) =>
    ['interrupt', 'alongside', 'steer', 'queue', 'reject'].includes(verb as string)
      ? undefined
      : `"whenBusy" of useComposer() is 'interrupt', 'alongside', 'steer', 'queue' or 'reject', not ${JSON.stringify(verb)}: the prompt is sent alongside the active runs.`,
  storeName: (id: string) =>
    `The session store "${id}" is used without a session name: set one with defineSessionStore('${id}', { name: '...' }), or call it as useStore('...').`,
  anonymousOwner: ({ options, channel }: SessionParts, ownerOnly: unknown) =>
    options.policy !== ownerOnly || channel.clientId !== undefined
      ? undefined
      : 'The policy is ownerOnly, but this client has no client id, so it can cancel and change nothing, not even its own runs. Issue tokens with a client id, or set clientId in the options of Ably.Realtime.',
  policyThrew: (cause: unknown) =>
    `The policy threw an error, so the action is refused: ${reasonOf(cause)}. Return true or false for each action, also without a client id or an owner.`,
  cancelRefused: ({ channel: { clientId }, tree: { runs, access } }: SessionParts, runId: string) => {
    const ownerClientId = runs.get(runId)?.owner
    return ownerClientId === undefined || access.ask({ kind: 'cancel', clientId, ownerClientId })
      ? undefined
      : `A cancel has no effect: the policy does not allow client "${clientId ?? ''}" to cancel what client "${ownerClientId}" owns. Hide the button for runs of other clients.`
  },
  newerProtocol: ({ channel }: Pick<SessionParts, 'channel'>, message: ChannelMessage): Warning => {
    if (!isNewer(message)) return undefined
    const agent = agentOf(message)
    return [
      `Channel "${channel.name}" carries "${message.name}" messages of a newer protocol${agent ? `, published by ${agent}` : ''}, which are ignored: update vue-ai-transport.`,
      channel,
    ]
  },
  rowsIgnored: (packed: unknown, format: number, session?: string): Warning => {
    const version = isPlainObject(packed) ? Number(packed.v) : 0
    const fault =
      session !== undefined
        ? `do not belong to session "${session}"`
        : version > format
          ? `have format ${version}, this version of vue-ai-transport reads format ${format}`
          : 'are not a value of dehydrateSession()'
    return [`Rows are ignored: they ${fault}. The session reads the channel's history instead.`, packed]
  },
}

type Warnings = typeof warnings

/** What a value is, in words. */
function kindOf(value: unknown): string {
  if (value === null || value === undefined) return String(value)
  if (Array.isArray(value)) return 'an array'
  if (typeof value !== 'object') return `a ${typeof value}`
  if ('then' in value) return 'a promise'
  if ('channels' in value && 'auth' in value) return 'an Ably.Rest client'
  return 'an object'
}

const fixOf = (client: unknown): string =>
  kindOf(client) === 'a promise'
    ? 'Create it without await; the SDK requests tokens by itself: client: () => new Ably.Realtime({ authUrl }).'
    : 'Pass client: () => new Ably.Realtime({ ... }), and return the client from the function.'

/** An error for the developer, to throw; in production it says what is wrong, but not the fix. */
export function problem(name: keyof typeof fixes, text: string): Error {
  let rest = ` (${name})`
  try {
    // NOTE: spelled out, so that bundlers drop the fixes in production
    if (process.env.NODE_ENV !== 'production') rest = `: ${fixes[name]}`
  } catch {
    // A page without a bundler has no `process`
  }
  return new Error(`[vue-ai-transport] ${text}${rest}`)
}

const told = new Set<unknown>()
const warnedAbout = new WeakSet()

/** Tells the developer of a mistake: once, and in development only. */
export function warn<Name extends keyof Warnings>(name: Name, ...details: Parameters<Warnings[Name]>): undefined {
  try {
    // NOTE: as above, for the warnings
    if (process.env.NODE_ENV !== 'production') {
      const warning = (warnings[name] as (...details: unknown[]) => Warning)(...details)
      if (typeof warning === 'object') warnOnce(...warning)
      else if (warning !== undefined) warnOnce(warning)
    }
  } catch {
    // As above
  }
}

/** Prints a warning once for each object that it is about, or once for its text. */
export function warnOnce(text: string, about?: unknown): void {
  const key = about ?? text
  // NOTE: objects are held weakly, so that a session is not kept by its warning
  const known = Object(key) === key ? warnedAbout : told
  if (known.has(key)) return
  known.add(key)
  console.warn(`[vue-ai-transport] ${text}`)
}
