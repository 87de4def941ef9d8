import { inject, provide, type InjectionKey, type Ref } from 'vue'
import type { Exchange } from './layout'
import type { Approval, Message } from './types'

/** What the buttons of a conversation do. Whatever fails says so by itself. */
export interface Actions {
  /** The reader's own client id. */
  readonly me: string
  /** Whether what is said reaches the channel now. */
  readonly isOnline: Readonly<Ref<boolean>>
  /** The prompt that is being written anew. */
  readonly editing: Ref<string | undefined>
  /** Prompts for which another answer has been asked that has not begun. */
  readonly renewing: ReadonlyMap<string, unknown>
  stop(exchange: Exchange): void
  /** Another answer in place of this one; what could not be sent or woken is tried again. */
  again(exchange: Exchange): void
  discard(exchange: Exchange): void
  /** Wakes the agent now, whoever asked. */
  wake(exchange: Exchange): void
  edit(exchange: Exchange, text: string): void
  /** Says yes or no to a tool call that waits for it. */
  approve(reply: Message, call: Approval, onFailure: () => void): void
  /** Asks as a prompt what came too late for a running answer. */
  sendAsNew(steer: Message): void
}

const key: InjectionKey<Actions> = Symbol('actions')

export const provideActions = (actions: Actions): void => provide(key, actions)

export function useActions(): Actions {
  const actions = inject(key)
  if (!actions) throw new Error('unable to act on the conversation; no component above provides its actions')
  return actions
}
