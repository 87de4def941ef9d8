import { effectScope, reactive, shallowRef } from 'vue'
import { paragraph } from '../conversation.ts'
import type { ChatClient } from './chat.ts'

interface Line {
  readonly id: string
  text: string
}

/** The least code that shows the same: a reactive text that grows. */
export const floorChat: ChatClient = {
  name: 'hand-written floor',
  async open(length, screen) {
    const messages = shallowRef(
      Array.from({ length }, (_, index): Line => reactive({ id: `m${index}`, text: paragraph })),
    )
    const last = messages.value.at(-1)!
    const scope = effectScope()
    const shown = scope.run(() => screen(messages, (line) => line?.text ?? ''))!
    return { ...shown, hear: (deltas) => deltas.forEach((delta) => (last.text += delta)), close: () => scope.stop() }
  },
}
