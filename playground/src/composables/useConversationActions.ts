import { ref, shallowRef, type Ref } from 'vue'
import { provideActions, type Actions } from '../conversation/actions'
import type { Exchange } from '../conversation/exchange'
import { textOf } from '../conversation/status'
import type { Conversation } from './useConversation'

/**
 * Provides the actions of a conversation to the components below.
 *
 * @param attempt - receives the promise of each action
 * @param follow - keeps the new answer at a place in view
 */
export function useConversationActions(
  conversation: Conversation,
  me: string,
  isOnline: Readonly<Ref<boolean>>,
  attempt: (verb: Promise<unknown>) => void,
  follow: (exchange: Exchange) => void = () => {},
): Actions {
  const actions: Actions = {
    me,
    isOnline,
    editing: ref<string>(),
    comparing: shallowRef(),
    regenerating: conversation.regenerating,
    unsentSteers: conversation.unsentSteers,
    stop: (exchange) => attempt(conversation.stop(exchange)),
    again(exchange) {
      attempt(conversation.again(exchange))
      follow(exchange)
    },
    discard: (exchange) => conversation.discard(exchange),
    wake: (exchange) => conversation.wake(exchange),
    edit(exchange, text) {
      attempt(conversation.edit(exchange, text))
      follow(exchange)
    },
    approve(reply, call, onFailure) {
      const answer = conversation.approve(reply, call)
      answer.catch(onFailure)
      attempt(answer)
    },
    sendAsNew: (steer) => attempt(conversation.send(textOf(steer))),
  }
  provideActions(actions)
  return actions
}
