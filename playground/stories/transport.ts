import { createAITransport } from 'vue-ai-transport'
import { scenes } from './scenes'
import { createScriptedClient } from './scripted-client'

/** The client id of the stories. */
export const me = 'heron-4f2'

/** Sets the library up as an app does, with scripted channels. */
export const createStoryTransport = () =>
  createAITransport({ agents: () => true, client: createScriptedClient(scenes, me) })
