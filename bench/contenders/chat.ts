import { watchEffect } from 'vue'

/** A chat with a reply that is streaming. */
export interface Chat extends Screen {
  /** Delivers more of the reply to the client, as from the network. */
  hear(deltas: readonly string[]): void
  close(): void
}

/** The chat as the user sees it. */
export interface Screen {
  /** The number of visible messages. */
  count(): number
  /** Resolves when the last message ends with this text. */
  shows(ending: string): Promise<void>
}

/** Shows the messages of a client, with its own name for the text of one. */
export type ScreenMaker = <M extends { readonly id: string }>(
  messages: { readonly value: readonly M[] },
  textOf: (message: M | undefined) => string,
) => Screen

/** One of the compared chat clients for Vue. */
export interface ChatClient {
  readonly name: string
  /** Opens a chat of this many messages, the last of them the reply. */
  open(length: number, screen: ScreenMaker): Promise<Chat>
}

/** The messages of a chat so far, each with this part. */
export const pastOf = <const Part>(length: number, part: Part) =>
  Array.from({ length }, (_, index) => ({
    id: `m${index}`,
    role: index % 2 === 0 ? ('user' as const) : ('assistant' as const),
    parts: [part],
  }))

/** Without a DOM: a list that reads its items' keys, and one item that prints the last message. */
export const effects: ScreenMaker = (messages, textOf) => {
  const shown = { count: 0, text: '' }
  let look = (): void => {}
  watchEffect(() => void (shown.count = messages.value.filter(({ id }) => id !== '').length), { flush: 'sync' })
  watchEffect(
    () => {
      shown.text = textOf(messages.value.at(-1))
      look()
    },
    { flush: 'sync' },
  )
  const shows = (ending: string): Promise<void> =>
    new Promise((resolve) => {
      look = () => {
        if (shown.text.endsWith(ending)) resolve()
      }
      look()
    })
  return { count: () => shown.count, shows }
}
