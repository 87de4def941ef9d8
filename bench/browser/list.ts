import { createApp, defineComponent, h, onUpdated } from 'vue'
import type { Screen } from '../contenders/chat.ts'

/** A list of messages in the page. */
export interface List extends Screen {
  /** The number of components rendered since the last call. */
  drawn(): number
  remove(): void
}

/** Renders messages as an app does: a list, and a component for each message, which prints its text. */
export function drawList<M extends { readonly id: string }>(
  messages: { readonly value: readonly M[] },
  textOf: (message: M | undefined) => string,
): List {
  let drawn = 0
  let look = (): void => {}
  const Bubble = defineComponent<{ message: M }>(
    (props) => {
      onUpdated(() => look())
      return () => {
        drawn++
        return h('p', textOf(props.message))
      }
    },
    { props: ['message'] as never },
  )
  const app = createApp(() => {
    drawn++
    return messages.value.map((message) => h(Bubble, { key: message.id, message }))
  })
  const host = document.body.appendChild(document.createElement('main'))
  app.mount(host)
  const shows = (ending: string): Promise<void> =>
    new Promise((resolve) => {
      look = () => {
        if (host.lastElementChild?.textContent?.endsWith(ending)) resolve()
      }
      look()
    })
  return {
    count: () => host.childElementCount,
    shows,
    drawn() {
      const count = drawn
      drawn = 0
      return count
    },
    remove() {
      app.unmount()
      host.remove()
    },
  }
}
