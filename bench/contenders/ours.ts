import type { UIMessage } from 'ai'
import { createPinia } from 'pinia'
import { createApp, effectScope, watchEffect } from 'vue'
import { fakeAbly, type FakeChannel } from '../../test/support/fake-ably.ts'
import type { Ours } from '../ours.ts'
import type { Contender, Follower } from './contender.ts'
import { lastText } from './last-text.ts'

export interface OursOptions {
  /** Watches the store as devtools and persistence plugins do. */
  subscribe?: boolean
}

/** This package as an app uses it: Pinia store, composables, effects that read like components. */
export function ours({ client }: Ours, { subscribe = false }: OursOptions = {}): Contender {
  async function follow(channel: FakeChannel): Promise<Follower> {
    const pinia = createPinia()
    const app = createApp({})
    app.use(pinia).use(client.createAITransport({ client: fakeAbly(channel), flush: 'sync', linger: 0 }))
    const useStore = client.defineSessionStore('bench', { name: channel.name })
    const scope = effectScope()
    const shown = { count: 0, text: '' }
    const view = await app.runWithContext(() =>
      scope.run(async () => {
        const { session, ready } = client.useClientSession(channel.name)
        const view = client.useView({ session, limit: 1 })
        if (subscribe) useStore().$subscribe(() => {}, { deep: true, flush: 'sync' })
        show(view.messages, shown)
        await ready
        return view
      }),
    )
    return {
      load: async (count) => void (await view!.loadOlder(count)),
      count: () => shown.count,
      text: () => shown.text,
      branch: (id) => view!.view.branch(id),
      close: async () => scope.stop(),
    }
  }
  return { name: subscribe ? 'ours, deep $subscribe' : 'ours', follow }
}

/** A list that reads its items' keys, and one item that prints the last message. */
function show(
  messages: { value: readonly { id: string; message: UIMessage }[] },
  shown: { count: number; text: string },
): void {
  watchEffect(() => void (shown.count = messages.value.filter(({ id }) => id !== '').length), { flush: 'sync' })
  watchEffect(() => void (shown.text = lastText(messages.value.at(-1)?.message)), { flush: 'sync' })
}
