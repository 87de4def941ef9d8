import { localNotice, noticeTitle } from '../local/notice'
import { isOwnRoute, handlerOf } from './routes'
import type { ModuleOptions } from './options'

/** Where the module finds the app, as it is printed. */
export interface Findings {
  readonly options: ModuleOptions
  readonly handlers: Parameters<typeof handlerOf>[1]
  /** The URL of the local endpoint, if it runs. */
  readonly endpoint: string | undefined
  readonly isDev: boolean
  readonly hasKey: boolean
  /** Shortens the path of a file. */
  readonly short: (file: string) => string
}

/** Lines for the terminal. */
export interface Lines {
  readonly info: readonly string[]
  readonly warnings: readonly string[]
}

const prefix = `${noticeTitle}:`

/** The routes that the module needs, and the first lines of each. */
const routes = [
  {
    option: 'agent',
    file: (path: string) => `server${path}.post.ts`,
    content: 'export default defineAgentHandler({ async respond(run) { ... } })',
    lack: 'prompts get no answer',
  },
  {
    option: 'token',
    file: (path: string) => `server${path}.ts`,
    content: 'export default defineTokenHandler({ user: (event) => ..., authorize: (event, sessionName) => ... })',
    lack: 'browsers cannot connect',
  },
  {
    option: 'archive',
    file: (path: string) => `server${path}.get.ts`,
    content: 'export default defineArchiveHandler({ archive, authorize: (event, sessionName) => ... })',
    lack: 'old messages cannot be read',
  },
] as const

/** Says which routes there are, and how to add those that are missing. */
export function describeSetup({ options, handlers, endpoint, isDev, hasKey, short }: Findings): Lines {
  const info: string[] = []
  const warnings: string[] = []
  if (endpoint) {
    const { persist } = typeof options.local === 'object' ? options.local : {}
    info.push(
      `${prefix} ${localNotice}: ${endpoint} (conversations are kept in ${persist ?? 'memory'}). Set NUXT_AI_TRANSPORT_KEY in .env to use Ably`,
    )
  } else if (isDev && !hasKey) {
    warnings.push(`${prefix} there is no Ably key. Set NUXT_AI_TRANSPORT_KEY in .env, or remove "local: false"`)
  }
  for (const { option, file, content, lack } of routes) {
    const path = options[option]
    if (!isOwnRoute(path)) continue
    const found = handlerOf(path, handlers)
    if (found) info.push(`${prefix} ${option} at ${path}: ${short(String(found.handler))}`)
    else if (option === 'token' && endpoint) info.push(`${prefix} token at ${path}: for guests, in development only`)
    else warnings.push(`${prefix} no ${option} route at ${path}, so ${lack}. Create ${file(path)}: ${content}`)
  }
  return { info, warnings }
}
