import { createPinia } from 'pinia'
import { createApp } from 'vue'
import { createAITransport } from 'vue-ai-transport'
import { createClient } from './client'
import { deviceLabel } from './device'
import { gate, wakeDelay } from './settings'

const page = location.pathname.startsWith('/two/') ? import('./TwoDevices.vue') : import('./App.vue')
const app = createApp((await page).default)
// NOTE: `?profile` records every component render in the browser's performance timeline
app.config.performance = new URLSearchParams(location.search).has('profile')
app
  .use(createPinia())
  .use(
    createAITransport({
      agents: 'agent',
      client: createClient,
      device: deviceLabel(),
      agent: {
        url: '/api/agent',
        headers: () => ({ 'x-wake-delay': String(wakeDelay.value), ...(gate && { 'x-gate': gate }) }),
      },
    }),
  )
  .mount('#app')
