import type { InboundMessage } from 'ably'
import type { TextUIPart, UIMessage } from 'ai'
import { reactive, shallowRef, watchEffect } from 'vue'
import type { Contender } from './contender.ts'
import { lastText } from './last-text.ts'

/** Just enough code for a conversation that never branches, misses no message and receives none twice. */
class Texts {
  readonly messages: UIMessage[] = []
  readonly #parts = new Map<string, TextUIPart>()

  /** Appends to the text with this serial, or adds a message; returns whether it added one. */
  hear({ serial = '', data, extras }: InboundMessage): boolean {
    const known = this.#parts.get(serial)
    if (known) {
      known.text += data as string
      return false
    }
    const { transport, codec } = (extras as Extras).ai
    if (codec?.kind !== 'text' && codec?.kind !== 'user-message') return false
    const role = codec.kind === 'text' ? 'assistant' : 'user'
    const part: TextUIPart = { type: 'text', text: data as string }
    const message: UIMessage = reactive({ id: transport['codec-message-id']!, role, parts: [part] })
    this.#parts.set(serial, message.parts[0] as TextUIPart)
    this.messages.push(message)
    return true
  }
}

interface Extras {
  ai: { transport: Record<string, string>; codec?: Record<string, string> }
}

/**
 * The least code that shows the same messages: find a text by its serial, set one property of a reactive
 * object.
 */
export const floor: Contender = {
  name: 'hand-written floor',
  async follow(channel) {
    const live = new Texts()
    const messages = shallowRef<UIMessage[]>([])
    const shown = { count: 0, text: '' }
    const stops = [
      watchEffect(() => void (shown.count = messages.value.length), { flush: 'sync' }),
      watchEffect(() => void (shown.text = lastText(messages.value.at(-1))), { flush: 'sync' }),
    ]
    const older: UIMessage[][] = []
    const show = (): void => void (messages.value = [...older.toReversed().flat(), ...live.messages])
    const heard = (message: InboundMessage): void => {
      if (live.hear(message)) show()
    }
    await channel.subscribe(heard)
    return {
      async load() {
        for (let page = await channel.history(); ; page = await page.next()) {
          const texts = new Texts()
          for (const message of page.items.toReversed()) texts.hear(message)
          older.push(texts.messages)
          if (!page.hasNext()) break
        }
        show()
      },
      count: () => shown.count,
      text: () => shown.text,
      async close() {
        channel.unsubscribe(heard)
        for (const stop of stops) stop()
      },
    }
  },
}
