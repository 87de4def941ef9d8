import * as Ably from 'ably'
import { createPinia } from 'pinia'
import { clientOptions } from 'virtual:local-ably'
import { createApp } from 'vue'
import { createAITransport } from 'vue-ai-transport'
import App from './App.vue'

createApp(App)
  .use(createPinia())
  .use(
    createAITransport({
      client: () => new Ably.Realtime(clientOptions()), // with an Ably account: { authUrl: '/api/ably/token' }
      agents: 'agent', // the agent's client id: answers from other clients are ignored
      agent: '/api/agent', // each prompt wakes the agent here
    }),
  )
  .mount('#app')
