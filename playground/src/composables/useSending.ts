import { nextTick } from 'vue'
import type { BusyVerb } from 'vue-ai-transport'
import { secondThoughts, type Scenario } from '../conversation/scenarios'
import type { Way } from '../conversation/ways'
import type { Conversation } from './useConversation'
import { borrow, type Composer } from './useMessageBox'

interface SendingParts {
  conversation: Conversation
  composer: Composer
  attempt: (verb: Promise<unknown>) => void
  /** Shows why a message was not sent. */
  explain: (reason: string) => void
  /** Brings the newest answer into view. */
  toBottom: () => void
}

/** Sends the text of the message box, or a text of this page, in one of the ways. */
export function useSending({ conversation, composer, attempt, explain, toBottom }: SendingParts) {
  const { draft } = composer

  async function send(way?: Way): Promise<void> {
    const text = draft.value
    const verb = typeof way === 'object' ? 'steer' : (way ? composer.nextFor(way) : composer.next.value).verb
    attempt(typeof way === 'object' ? steerInto(way.runId, text) : submit(way, text))
    if (verb !== 'send' && verb !== 'alongside' && verb !== 'interrupt') return
    await nextTick()
    toBottom()
  }

  /** Sends the draft. Text that is refused stays in the message box, or returns to it. */
  async function submit(way: BusyVerb | undefined, text: string): Promise<void> {
    const sent = await composer.send(way && { whenBusy: way })
    if (sent.verb === 'reject') explain(sent.reason)
    if (sent.verb !== 'steer') return
    // NOTE: a run that has just ended accepts no steer
    await giveBackIfRefused(text, conversation.showSteer(sent.runId, text, sent.steer))
  }

  async function steerInto(runId: string, text: string): Promise<void> {
    draft.value = ''
    await giveBackIfRefused(text, conversation.steer(runId, text))
  }

  const giveBackIfRefused = (text: string, published: Promise<unknown>) =>
    published.catch((reason) => {
      draft.value ||= text
      throw reason
    })

  /** Sends a text of this page. The user's draft stays. */
  function say(text: string, way?: Way): Promise<void> {
    const giveBack = borrow(composer)
    draft.value = text
    const sent = send(way)
    giveBack()
    return sent
  }

  async function tryOut({ prompt, steer }: Scenario): Promise<void> {
    await say(prompt)
    if (steer === undefined) return
    await new Promise((resolve) => setTimeout(resolve, secondThoughts))
    await say(steer, 'steer')
  }

  return { send, say, tryOut }
}
