import { inject, provide, type InjectionKey, type Ref } from 'vue'
import type { Exchange } from './exchange'
import type { UnsentSteer } from './steers'
import type { Approval, Message } from './types'

/** The actions of the buttons in a conversation. Failures are shown where they happen. */
export interface Actions {
  /** The client id of this browser. */
  readonly me: string
  /** Whether the connection is up. */
  readonly isOnline: Readonly<Ref<boolean>>
  /** The prompt that is being edited. */
  readonly editing: Ref<string | undefined>
  /** The message whose versions are shown side by side, and the name of its prompt or run. */
  readonly comparing: Ref<{ readonly messageId: string; readonly label: string } | undefined>
  /** Prompts with a regeneration that has not started yet. */
  readonly regenerating: ReadonlyMap<string, unknown>
  /** Steers of this client that the channel does not have yet. */
  readonly unsentSteers: ReadonlyMap<string, UnsentSteer>
  stop(exchange: Exchange): void
  /** Regenerates the answer, or retries a failed prompt. */
  again(exchange: Exchange): void
  discard(exchange: Exchange): void
  /** Wakes the agent now, for any client's prompt. */
  wake(exchange: Exchange): void
  edit(exchange: Exchange, text: string): void
  /** Approves or denies a tool call. */
  approve(reply: Message, call: Approval, onFailure: () => void): void
  /** Sends a missed steer as a prompt. */
  sendAsNew(steer: Message): void
}

const key: InjectionKey<Actions> = Symbol('actions')

export const provideActions = (actions: Actions): void => provide(key, actions)

export function useActions(): Actions {
  const actions = inject(key)
  if (!actions) throw new Error('unable to act on the conversation; no component above provides its actions')
  return actions
}
