import {
  addComponent,
  addImports,
  addPlugin,
  addServerImports,
  addTemplate,
  createResolver,
  defineNuxtModule,
  hasNuxtModule,
  installModule,
  useLogger,
} from '@nuxt/kit'
import type { Nuxt, NuxtModule } from '@nuxt/schema'
import { relative } from 'node:path'
import type * as client from '../index'
import type * as server from './runtime/server'
import { startLocalEndpoint, type RunningEndpoint } from './local'
import { describeSetup } from './messages'
import { defaults, type BrowserOptions, type ModuleOptions, type ServerOptions } from './options'
import { handlerOf, isOwnRoute } from './routes'

export type { AblyOptions, LocalOptions, ModuleOptions } from './options'

const clientImports = [
  'UIMessageCodec',
  'defineSessionStore',
  'useBranch',
  'useComposer',
  'useClientSession',
  'useConnection',
  'useRun',
  'useRuns',
  'useView',
] satisfies (keyof typeof client)[]

const serverImports = [
  'defineAgent',
  'defineAgentHandler',
  'defineArchiveHandler',
  'defineTokenHandler',
  'useAblyOptions',
] satisfies (keyof typeof server)[]

/** Packages that Vite prepares before the first page, so that a cold `nuxt dev` does not reload it. */
const prepared = ['vue-ai-transport', 'vue-ai-transport > ably/modular']

/**
 * The Nuxt module: composables, the plugins of browser and server, and handlers for the agent, tokens and the archive.
 * In `nuxt dev` without an Ably key it starts a local endpoint.
 *
 * @example
 * export default defineNuxtConfig({ modules: ['vue-ai-transport/nuxt'] })
 */
const aiTransport: NuxtModule<ModuleOptions> = defineNuxtModule<ModuleOptions>({
  meta: { name: 'vue-ai-transport', configKey: 'aiTransport', compatibility: { nuxt: '>=3.21.0' } },
  defaults,
  async setup(options, nuxt) {
    refuseSecrets(options)
    await installPinia()
    const { resolve } = createResolver(import.meta.url)
    nuxt.options.build.transpile.push(resolve('./runtime'))
    ;((nuxt.options.vite.optimizeDeps ??= {}).include ??= []).push(...prepared)

    const hasKey = !!(process.env.NUXT_AI_TRANSPORT_KEY || process.env.ABLY_API_KEY)
    const endpoint = hasKey ? undefined : await devEndpoint(options, nuxt)
    configure(options, nuxt, endpoint)

    addImports(clientImports.map((name) => ({ name, from: 'vue-ai-transport' })))
    addComponent({ name: 'SessionProvider', export: 'SessionProvider', filePath: 'vue-ai-transport' })
    addServerImports(serverImports.map((name) => ({ name, from: resolve('./runtime/server') })))
    addPlugin({ src: resolve('./runtime/plugin.client'), mode: 'client' })
    addPlugin({ src: resolve('./runtime/plugin.server'), mode: 'server' })

    const logger = useLogger('vue-ai-transport')
    nuxt.hook('nitro:init', ({ scannedHandlers, options: { handlers, node, plugins } }) => {
      const all = [...scannedHandlers, ...handlers]
      const needsKey = [options.agent, options.token].some(isOwnRoute)
      // NOTE: platforms other than Node may have their environment only while they answer a request
      if (!nuxt.options.dev && node && needsKey) plugins.push(resolve('./runtime/check-key'))
      if (endpoint && !handlerOf(options.token, all)) {
        // NOTE: less exact than a route that the app adds later, which then comes first
        const route = options.token.replace(/[^/]+$/, ':guest')
        handlers.push({ route, handler: resolve('./runtime/guest-tokens') })
      }
      if (nuxt.options._prepare) return
      const short = (file: string): string => relative(nuxt.options.rootDir, file)
      const found = { options, handlers: all, endpoint: endpoint?.url, isDev: nuxt.options.dev, hasKey, short }
      const { info, warnings } = describeSetup(found)
      for (const line of info) logger.info(line)
      for (const line of warnings) logger.warn(line)
    })
  },
})

export default aiTransport

/** @throws Error when options that every browser gets hold a secret. */
function refuseSecrets({ ably }: ModuleOptions): void {
  const secret = ['key', 'token', 'tokenDetails'].find((name) => name in ably)
  if (!secret) return
  throw new Error(
    `unable to set up AI sessions; "aiTransport.ably.${secret}" would reach browsers. Set NUXT_AI_TRANSPORT_KEY in the environment of the server`,
  )
}

async function installPinia(): Promise<void> {
  if (hasNuxtModule('pinia') || hasNuxtModule('@pinia/nuxt')) return
  try {
    await installModule('@pinia/nuxt')
  } catch (cause) {
    throw new Error('unable to set up AI sessions; they need Pinia. Run "npm install pinia @pinia/nuxt"', { cause })
  }
}

/** The local endpoint of `nuxt dev`. */
async function devEndpoint({ local }: ModuleOptions, nuxt: Nuxt): Promise<RunningEndpoint | undefined> {
  const { dev, _prepare: isPreparing } = nuxt.options
  if (!dev || isPreparing || local === false) return undefined
  const endpoint = await startLocalEndpoint(local === true ? {} : local)
  nuxt.hook('close', () => endpoint.close())
  return endpoint
}

/** Hands the options to the plugins, and to the server those that stay there. */
function configure(options: ModuleOptions, nuxt: Nuxt, endpoint: RunningEndpoint | undefined): void {
  const { local: _, ...rest } = options
  const ably = { ...options.ably, ...endpoint?.ably }
  const browserOptions: BrowserOptions = { ...rest, ably, isOnPageHost: endpoint?.isOnPageHost ?? false }
  addTemplate({
    filename: 'ai-transport.mjs',
    getContents: () => `export default ${JSON.stringify(browserOptions, undefined, 2)}`,
  })
  const { agents, namespace, token } = options
  const serverOptions: ServerOptions = { key: endpoint?.key ?? '', ably, agents, namespace, token }
  nuxt.options.runtimeConfig.aiTransport = { ...serverOptions, ...(nuxt.options.runtimeConfig.aiTransport as object) }
}
