import { defineSetupVue3 } from '@histoire/plugin-vue'
import { createPinia } from 'pinia'
import { createStoryTransport } from './playground/stories/transport'

export const setupVue3 = defineSetupVue3(({ app }) => {
  app.use(createPinia()).use(createStoryTransport())
})
