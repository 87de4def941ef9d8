import type * as Ably from 'ably'
import type { UIMessage } from 'ai'
import { expectTypeOf } from 'vitest'
import {
  createClientSession,
  createUIMessageCodec,
  UIMessageCodec,
  useBranch,
  useComposer,
  useClientSession,
  useRun,
  useRuns,
  useView,
  type UseBranchReturn,
  type UseComposerReturn,
  type UseViewReturn,
} from '../../src'
import * as agent from '../../src/agent'
import type { Codec } from '../../src/codec'

interface Note {
  id: string
  lines: string[]
}

declare const client: Ably.Realtime
declare const noteCodec: Codec<Note>

/** A custom codec determines the message type of its sessions, wherever they are used. */
export async function ownCodec(): Promise<void> {
  const session = createClientSession({ client, sessionName: 'notes', codec: noteCodec })
  const { messages, blocks, view, send, answer, edit } = useView({ session })
  expectTypeOf(messages.value[0]!.message).toEqualTypeOf<Note>()
  expectTypeOf(blocks.value[0]!.messages[0]!.message).toEqualTypeOf<Note>()
  expectTypeOf(view.snapshot()).toEqualTypeOf<Note[]>()
  expectTypeOf((await send({ id: 'n', lines: [] })).messages[0]!.message).toEqualTypeOf<Note>()
  expectTypeOf((await edit('n', 'again')).messages[0]!.message).toEqualTypeOf<Note>()
  expectTypeOf((await answer('n', [])).messages[0]!.message).toEqualTypeOf<Note>()
  // @ts-expect-error a message of another codec
  await send({ id: 'm', role: 'user', parts: [] })

  expectTypeOf(useView({ view: session.createView(), limit: 5 }).messages.value[0]!.message).toEqualTypeOf<Note>()
  expectTypeOf(useBranch('n', { session })).toEqualTypeOf<UseBranchReturn<Note>>()
  expectTypeOf(useComposer({ session })).toEqualTypeOf<UseComposerReturn<Note>>()
  expectTypeOf(useBranch(() => 'n', { view: session.view }).selected.value!.message).toEqualTypeOf<Note>()
  expectTypeOf(useRun('run-1', { session }).messages.value[0]!.message).toEqualTypeOf<Note>()
  expectTypeOf(useRuns({ session }).runs.value[0]!.runId).toEqualTypeOf<string>()
}

/** Tools and data of a message type follow its codec. */
export function ownMessage(): void {
  type Mine = UIMessage<{ mood: string }, { weather: { celsius: number } }>
  const session = createClientSession({ client, sessionName: 'trip', codec: createUIMessageCodec<Mine>() })
  expectTypeOf(useView({ session }).messages.value[0]!.message).toEqualTypeOf<Mine>()
  expectTypeOf(useBranch('m', { session }).siblings.value[0]!.message).toEqualTypeOf<Mine>()
}

/** Without an option, messages have the type that the app declared. */
export function appMessage(): void {
  const { session } = useClientSession('trip')
  expectTypeOf(useView({ limit: 5 })).toEqualTypeOf<UseViewReturn>()
  expectTypeOf(useView({ session }).messages.value[0]!.message).toEqualTypeOf<UIMessage>()
  expectTypeOf<ReturnType<typeof useView>>().toEqualTypeOf<UseViewReturn>()
  expectTypeOf<ReturnType<typeof useBranch>>().toEqualTypeOf<UseBranchReturn>()
  expectTypeOf(useBranch('m').selected.value!.message).toEqualTypeOf<UIMessage>()
  expectTypeOf<ReturnType<typeof useComposer>>().toEqualTypeOf<UseComposerReturn>()
}

/** A read-only codec cannot write: an agent takes the codec of its own entry. */
export function agentCodec(): void {
  type Mine = UIMessage<{ mood: string }>
  const session = agent.createAgentSession({ client, sessionName: 'trip', codec: agent.createUIMessageCodec<Mine>() })
  expectTypeOf(session.tree.nodes()[0]!.message('m')!).toEqualTypeOf<Mine>()
  createClientSession({ client, sessionName: 'trip', codec: agent.UIMessageCodec })
  // @ts-expect-error of `encoder`: it is OnlyIn<'vue-ai-transport/agent'>
  agent.createAgentSession({ client, sessionName: 'trip', codec: createUIMessageCodec() })
  // @ts-expect-error the same
  agent.defineAgent({ client: () => client, respond: () => undefined, codec: UIMessageCodec })
  // @ts-expect-error a codec of one's own that only reads
  agent.createAgentSession({ client, sessionName: 'notes', codec: noteCodec })
}
