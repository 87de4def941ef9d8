import { useComposer, type UseComposerReturn } from 'vue-ai-transport'
import { promptWithPace } from '../../shared/pace'
import { deviceStorage } from '../device'
import { gate, speed, whenBusy } from '../settings'

export type Composer = UseComposerReturn

export const queueLimit = 10

/** The composer of this playground: it keeps the draft and the queue on this device, and a prompt carries its speed. */
export const useMessageBox = (): Composer =>
  useComposer({
    whenBusy,
    queueLimit,
    storage: deviceStorage,
    message: ({ text, attachments }) =>
      promptWithPace(text.trim(), { tokensPerSecond: speed.value, gate }, attachments),
  })

/** Empties the message box for another prompt, and returns a function that puts the user's draft back. */
export function borrow({ draft, attachments }: Composer): () => void {
  const [text, files] = [draft.value, attachments.value]
  attachments.value = []
  return () => {
    draft.value = text
    attachments.value = files
  }
}
