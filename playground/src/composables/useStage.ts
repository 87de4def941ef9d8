import type { Ref } from 'vue'
import { countTokens } from '../../shared/tokens'
import type { Stage } from '../conversation/scenes'
import { statusOf, writtenOf } from '../conversation/status'
import type { Way } from '../conversation/ways'
import type { Conversation } from './useConversation'
import { borrow, type Composer } from './useMessageBox'

/** The pause between two letters, in ms. */
const typing = 16

interface StageParts {
  conversation: Conversation
  composer: Composer
  isOnline: Readonly<Ref<boolean>>
  /** Sends the draft. */
  send: (way?: Way) => Promise<void>
  attempt: (verb: Promise<unknown>) => void
  cut: (seconds: number) => void
}

/** This page as the stage of a scene. */
export function useStage({ conversation, composer, isOnline, send, attempt, cut }: StageParts): Stage {
  const { exchanges } = conversation
  let before = 0
  const runAt = (run: number) => exchanges.value[before + run - 1]
  return {
    begin: () => (before = exchanges.value.length),
    async say(text, way) {
      const giveBack = borrow(composer)
      const isStill = matchMedia('(prefers-reduced-motion: reduce)').matches
      for (let end = isStill ? text.length : 1; end <= text.length; end++) {
        composer.draft.value = text.slice(0, end)
        await new Promise((resolve) => setTimeout(resolve, typing))
      }
      const sent = send(way)
      giveBack()
      await sent
    },
    stop(run) {
      const exchange = runAt(run)
      if (exchange) attempt(conversation.stop(exchange))
    },
    cut,
    statusOf(run) {
      const exchange = runAt(run)
      return exchange && statusOf(exchange)
    },
    tokensOf(run) {
      const exchange = runAt(run)
      return exchange ? countTokens(writtenOf(exchange)) : 0
    },
    isConnected: () => isOnline.value,
  }
}
