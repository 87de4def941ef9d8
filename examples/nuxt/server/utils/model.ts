import { demoModel } from 'vue-ai-transport/local'

/** Needs no account. In its place, for example: `openai('gpt-5')` from `@ai-sdk/openai`. */
export const model = demoModel()
