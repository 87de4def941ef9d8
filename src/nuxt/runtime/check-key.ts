import { serverOptions } from './server/ably'

/** Says when a built app starts that it lacks the Ably key; otherwise only its first requests would tell. */
export default function checkKey(): void {
  if (import.meta.prerender || serverOptions().key) return
  console.warn(
    '[vue-ai-transport] There is no Ably key, so browsers cannot connect and prompts get no answer. Set NUXT_AI_TRANSPORT_KEY in the environment of the server.',
  )
}
