export default defineNuxtConfig({
  modules: ['vue-ai-transport/nuxt'],
  compatibilityDate: '2026-11-01',

  // Where the browser reads messages that Ably keeps no longer.
  aiTransport: { archive: '/api/archive' },

  // Set NUXT_SESSION_PASSWORD in production: 32 characters or more.
  runtimeConfig: { sessionPassword: 'a-password-for-development-only!' },

  css: ['~/assets/main.css'],
  app: {
    head: {
      title: 'Chats',
      htmlAttrs: { lang: 'en' },
      meta: [{ name: 'color-scheme', content: 'light dark' }],
    },
  },
})
