import { watchEffect } from 'vue'

/** A chat with a reply that is being written. */
export interface Chat extends Screen {
  /** Lets its client hear some more of the reply, as from the network. */
  hear(deltas: readonly string[]): void
  close(): void
}

/** What somebody has before them. */
export interface Screen {
  /** How many messages are shown. */
  count(): number
  /** Resolves when the last message ends like this. */
  shows(ending: string): Promise<void>
}

/** Shows the messages that a client gives out, whatever it calls the text of one. */
export type ScreenMaker = <M extends { readonly id: string }>(
  messages: { readonly value: readonly M[] },
  textOf: (message: M | undefined) => string,
) => Screen

/** One of the chat clients for Vue that are compared. */
export interface ChatClient {
  readonly name: string
  /** Opens a chat of so many messages, the last of them the reply. */
  open(length: number, screen: ScreenMaker): Promise<Chat>
}

/** The messages of a chat so far, each of this part. */
export const pastOf = <const Part>(length: number, part: Part) =>
  Array.from({ length }, (_, index) => ({
    id: `m${index}`,
    role: index % 2 === 0 ? ('user' as const) : ('assistant' as const),
    parts: [part],
  }))

/** Nothing drawn: a list that reads its items' keys, and one item that prints the last message. */
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
