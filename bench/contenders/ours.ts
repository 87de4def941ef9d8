import type { UIMessage } from 'ai'
import { createPinia } from 'pinia'
import { createApp, effectScope, watchEffect } from 'vue'
import type { UseViewReturn } from '../../src/index.ts'
import { fakeAbly, type FakeChannel } from '../../test/support/fake-ably.ts'
import type { Ours } from '../ours.ts'
import type { Contender, Follower } from './contender.ts'
import { lastText } from './last-text.ts'

export interface OursOptions {
  /** Watches the store as devtools and persistence plugins do. */
  subscribe?: boolean
}

/** This package as an app uses it: Pinia store, composables, effects that read like components. */
export function ours({ client }: Pick<Ours, 'client'>, { subscribe = false }: OursOptions = {}): Contender {
  async function follow(channel: FakeChannel): Promise<Follower> {
    const shown = { count: 0, text: '' }
    const { view, close } = await openView(client, channel, ({ messages }, useStore) => {
      if (subscribe) useStore().$subscribe(() => {}, { deep: true, flush: 'sync' })
      show(messages, shown)
    })
    return {
      load: async (count) => void (await view.loadOlder(count)),
      count: () => shown.count,
      text: () => shown.text,
      branch: (id) => view.view.branch(id),
      close: async () => close(),
    }
  }
  return { name: subscribe ? 'ours, deep $subscribe' : 'ours', follow }
}

/** A view of a session, in an app; its setup calls `use`. */
export async function openView(
  client: Ours['client'],
  channel: FakeChannel,
  use: (view: UseViewReturn, useStore: ReturnType<Ours['client']['defineSessionStore']>) => void,
): Promise<{ view: UseViewReturn; close(): void }> {
  const app = createApp({})
  const transport = client.createAITransport({ client: fakeAbly(channel), flush: 'sync', linger: 0 })
  app.use(createPinia()).use(transport)
  const useStore = client.defineSessionStore('bench', { name: channel.name })
  const scope = effectScope()
  const setUp = async (): Promise<UseViewReturn> => {
    const { session, ready } = client.useClientSession(channel.name)
    const view = client.useView({ session, limit: 1 })
    use(view, useStore)
    await ready
    return view
  }
  const view = await app.runWithContext(() => scope.run(setUp)!)
  return { view, close: () => scope.stop() }
}

/** A list that reads its items' keys, and one item that prints the last message. */
function show(
  messages: { value: readonly { id: string; message: UIMessage }[] },
  shown: { count: number; text: string },
): void {
  watchEffect(() => void (shown.count = messages.value.filter(({ id }) => id !== '').length), { flush: 'sync' })
  watchEffect(() => void (shown.text = lastText(messages.value.at(-1)?.message)), { flush: 'sync' })
}
