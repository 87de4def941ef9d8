import { createAITransport } from 'vue-ai-transport'
import { scenes } from './scenes'
import { createScriptedClient } from './scripted-client'

/** Who looks at the stories. */
export const me = 'heron-4f2'

/** The library as an app has it, on channels that are played from scripts. */
export const createStoryTransport = () =>
  createAITransport({ agents: () => true, client: createScriptedClient(scenes, me) })
