import { createAITransport } from 'vue-ai-transport'
import { scenes } from './scenes'
import { createScriptedClient } from './scripted-client'

/** The client id of the stories. */
export const me = 'heron-4f2'

/** Sets the library up as an app does, with scripted channels. The agent accepts each prompt and publishes nothing. */
export const createStoryTransport = () =>
  createAITransport({ agents: () => true, client: createScriptedClient(scenes, me), agent: () => {} })
