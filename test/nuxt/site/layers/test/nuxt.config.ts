export default defineNuxtConfig({
  aiTransport: { ably: { endpoint: '127.0.0.1', port: Number(process.env.TEST_ABLY_PORT), tls: false } },
  routeRules: { '/board/prerendered': { prerender: true }, '/board/swr': { swr: 3600 } },
  devtools: { enabled: false },
})

// @ts-expect-error: the options have types, which `nuxt typecheck` checks here
defineNuxtConfig({ aiTransport: { tokens: '/api/ably/token' } })
