import type { IncomingMessage, ServerResponse } from 'node:http'
import { resolve } from 'node:path'
import { setTimeout } from 'node:timers/promises'
import {
  isRunnableDevEnvironment,
  runnerImport,
  type EnvironmentModuleNode,
  type Plugin,
  type PreviewServer,
  type ViteDevServer,
} from 'vite'
import { readBody, type Middleware } from './http/node'

/** Agent files by the path that they are served on, or one file for `/api/agent`. */
export type AgentFiles = string | Readonly<Record<string, string>>

/** The default export of an agent file. */
interface FetchAgent {
  fetch(request: Request): Promise<Response>
}

type LoadModule = (file: string) => Promise<Record<string, unknown>>

/** Loads the agent of a file, as the file is now. */
type AgentLoader = (file: string) => Promise<FetchAgent>

/** In bytes: more than an agent accepts. */
const maxBodySize = 65_536

/**
 * Serves agents on a Vite server. Each request goes to the agent as its file is now: after an edit, the next run is
 * answered by the new agent, and runs under way finish with the code that began them.
 */
export function serveAgents(server: ViteDevServer | PreviewServer, files: AgentFiles, virtual: Plugin): void {
  const load = 'ssrLoadModule' in server ? devLoader(server) : previewLoader(server, virtual)
  for (const [path, file] of byPath(files)) server.middlewares.use(agentRoute(path, file, load, server))
}

/** Says which agents are served, for the terminal. */
export const describeAgents = (files: AgentFiles): string =>
  byPath(files)
    .map(([path, file]) => `agent at ${path}: ${file}`)
    .join(', ')

const byPath = (files: AgentFiles): [path: string, file: string][] =>
  Object.entries(typeof files === 'string' ? { '/api/agent': files } : files)

/** Loads a module through the dev server, which loads it anew after an edit of it or of its imports. */
function devLoader(server: ViteDevServer): AgentLoader {
  const { ssr } = server.environments
  const load: LoadModule = (file) =>
    isRunnableDevEnvironment(ssr) ? ssr.runner.import(file) : server.ssrLoadModule(file)
  /** Forgets what has been read of a file, and of the files of the app that it imports. */
  const forget = (file: string): void => {
    const seen = new Set<EnvironmentModuleNode>()
    const visit = (module: EnvironmentModuleNode): void => {
      if (seen.has(module) || module.file?.includes('/node_modules/')) return
      seen.add(module)
      ssr.moduleGraph.invalidateModule(module)
      if (isRunnableDevEnvironment(ssr)) {
        const { evaluatedModules } = ssr.runner
        for (const each of evaluatedModules.getModulesByFile(module.file ?? '') ?? []) {
          evaluatedModules.invalidateModule(each)
        }
      }
      for (const imported of module.importedModules) visit(imported)
    }
    for (const module of ssr.moduleGraph.getModulesByFile(file) ?? []) visit(module)
  }
  return async (file) => {
    try {
      return agentOf(await load(file))
    } catch {
      // NOTE: an editor empties a file before it writes it, and Vite may have read it between the two
      await setTimeout(100)
      forget(file)
    }
    try {
      return agentOf(await load(file))
    } catch (error) {
      if (error instanceof Error) server.ssrFixStacktrace(error)
      throw error
    }
  }
}

/** Loads a module once, with the aliases of the app. */
function previewLoader({ config }: PreviewServer, virtual: Plugin): AgentLoader {
  const modules = new Map<string, ReturnType<LoadModule>>()
  const load: LoadModule = async (file) => {
    const { root, mode } = config
    const { alias } = config.resolve
    const { module } = await runnerImport<Record<string, unknown>>(file, {
      root,
      mode,
      resolve: { alias },
      plugins: [virtual],
    })
    return module
  }
  return async (file) => {
    const module = modules.get(file) ?? load(file)
    modules.set(file, module)
    return agentOf(await module)
  }
}

function agentRoute(
  path: string,
  file: string,
  load: AgentLoader,
  { config }: ViteDevServer | PreviewServer,
): Middleware {
  async function answer(request: IncomingMessage): Promise<Response> {
    let agent: FetchAgent
    try {
      agent = await load(resolve(config.root, file))
    } catch (error) {
      const [stack, message] =
        error instanceof Error ? [error.stack ?? error.message, error.message] : [String(error), String(error)]
      config.logger.error(`[vue-ai-transport] unable to load the agent ${file}\n${stack}`)
      return refuse(`unable to load the agent ${file}; ${firstWords(message)}`)
    }
    return agent.fetch(await toRequest(request))
  }
  return (request, response, next) => {
    if (URL.parse(request.url ?? '/', 'http://localhost')?.pathname !== path) return next()
    answer(request)
      .then((result) => reply(response, result))
      .catch((error: unknown) => {
        config.logger.error(`[vue-ai-transport] unable to answer; ${String(error)}`)
        response.destroy()
      })
  }
}

function agentOf(module: Record<string, unknown>): FetchAgent {
  const agent = module.default as Partial<FetchAgent> | undefined
  if (typeof agent?.fetch === 'function') return agent as FetchAgent
  throw new Error('its default export is not an agent. Use `export default defineAgent({ ... })`')
}

/** The first line of a message; with the next one where the first only announces it. */
function firstWords(message: string): string {
  const [first = '', second = ''] = message.split('\n').filter((line) => line.trim() !== '')
  return first.endsWith(':') ? `${first} ${second.trim()}` : first
}

// NOTE: 424 is final for a client, so it shows the message at once instead of waking the agent again and again
const refuse = (message: string): Response => Response.json({ error: { code: 42_400, message } }, { status: 424 })

async function toRequest(request: IncomingMessage): Promise<Request> {
  const { method = 'GET', headers, url = '/' } = request
  const list = Object.entries(headers).flatMap(([name, value]) =>
    value === undefined || name.startsWith(':') ? [] : [value].flat().map((each): [string, string] => [name, each]),
  )
  const body = method === 'GET' || method === 'HEAD' ? undefined : await readBody(request, maxBodySize)
  return new Request(new URL(url, `http://${headers.host ?? 'localhost'}`), {
    method,
    headers: list,
    ...(body && { body: new Uint8Array(body) }),
  })
}

async function reply(response: ServerResponse, result: Response): Promise<void> {
  response.writeHead(result.status, Object.fromEntries(result.headers))
  response.end(new Uint8Array(await result.arrayBuffer()))
}
