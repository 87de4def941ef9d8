import type * as Ably from 'ably'
import type { UIMessage, UIMessageChunk } from 'ai'
import { expectTypeOf } from 'vitest'
import type { ComputedRef } from 'vue'
import {
  defineSessionStore,
  useBranch,
  useClientSession,
  useComposer,
  useConnection,
  useRun,
  useRuns,
  useView,
  type ActiveRun,
  type ClientSession,
  type MessageBlock,
  type PendingInput,
  type RunInfo,
  type SessionError,
  type SessionStatus,
  type Steer,
  type View,
  type ViewMessage,
} from '../../src'
import { createUIMessageCodec, defineAgent, type AgentRun } from '../../src/agent'

type Shown = readonly ViewMessage<UIMessage>[]

export function clientSession(): void {
  const { session, name, status, error, ready } = useClientSession(() => 'trip')
  expectTypeOf(session).toEqualTypeOf<ClientSession<UIMessage>>()
  expectTypeOf(name).toEqualTypeOf<ComputedRef<string | undefined>>()
  expectTypeOf(status).toEqualTypeOf<ComputedRef<SessionStatus>>()
  expectTypeOf(error).toEqualTypeOf<ComputedRef<SessionError | undefined>>()
  expectTypeOf(ready).toEqualTypeOf<Promise<void>>()
  useClientSession(null)
  useClientSession()
  // @ts-expect-error a route's parameter may be a list
  useClientSession(['a', 'b'])
}

export function view(): void {
  const used = useView()
  expectTypeOf(used.view).toEqualTypeOf<View<UIMessage>>()
  expectTypeOf(used.messages).toEqualTypeOf<ComputedRef<Shown>>()
  expectTypeOf(used.blocks).toEqualTypeOf<ComputedRef<readonly MessageBlock<UIMessage>[]>>()
  expectTypeOf(used.runs).toEqualTypeOf<ComputedRef<readonly RunInfo[]>>()
  expectTypeOf(used.pending).toEqualTypeOf<ComputedRef<readonly PendingInput[]>>()
  expectTypeOf(used.isRunning).toEqualTypeOf<ComputedRef<boolean>>()
  expectTypeOf(used.send).returns.toEqualTypeOf<Promise<ActiveRun<UIMessage>>>()
  expectTypeOf(used.steer).returns.toEqualTypeOf<Steer>()
  expectTypeOf(used.cancel).returns.toEqualTypeOf<Promise<void>>()
  // @ts-expect-error another word
  void used.send('Hi', { whenBusy: 'stop' })
  // @ts-expect-error a run id or an input
  void used.cancel(undefined)
}

/** Handlers of clicks get an event. */
export function clicks(event: MouseEvent): void {
  const { cancelAll, loadOlder } = useView()
  const { cancelAll: cancelMine } = useRuns({ scope: 'mine' })
  const { previous, next } = useBranch('m')
  const { retry } = useConnection()
  for (const handler of [cancelAll, loadOlder, cancelMine, previous, next, retry]) {
    expectTypeOf(handler).toBeCallableWith(event as never)
  }
  void cancelAll(event)
  void loadOlder(event)
  // @ts-expect-error another scope
  void cancelAll({ scope: 'all' })
}

export function runs(): void {
  const { runs: all, active } = useRuns({ scope: () => 'session' })
  expectTypeOf(all).toEqualTypeOf<ComputedRef<readonly RunInfo[]>>()
  expectTypeOf(active).toEqualTypeOf<ComputedRef<readonly RunInfo[]>>()
  const { run, messages, isActive, cancel } = useRun(() => undefined)
  expectTypeOf(run).toEqualTypeOf<ComputedRef<RunInfo | undefined>>()
  expectTypeOf(messages).toEqualTypeOf<ComputedRef<Shown>>()
  expectTypeOf(isActive).toEqualTypeOf<ComputedRef<boolean>>()
  expectTypeOf(cancel).toEqualTypeOf<() => Promise<void>>()
}

export function branch(): void {
  const { siblings, count, selected, select } = useBranch(() => null)
  expectTypeOf(siblings).toEqualTypeOf<ComputedRef<Shown>>()
  expectTypeOf(count).toEqualTypeOf<ComputedRef<number>>()
  expectTypeOf(selected.value).toEqualTypeOf<ViewMessage<UIMessage> | undefined>()
  expectTypeOf(select).parameters.toEqualTypeOf<[number]>()
}

export function connection(): void {
  const { state, connected, since, reason } = useConnection()
  expectTypeOf(state).toEqualTypeOf<ComputedRef<Ably.ConnectionState>>()
  expectTypeOf(connected).toEqualTypeOf<ComputedRef<boolean>>()
  expectTypeOf(since).toEqualTypeOf<ComputedRef<number | undefined>>()
  expectTypeOf(reason).toEqualTypeOf<ComputedRef<SessionError | undefined>>()
}

export function composer(): void {
  const { draft } = useComposer({ whenBusy: 'queue' })
  expectTypeOf(draft.value).toEqualTypeOf<string>()
  // @ts-expect-error another word
  useComposer({ whenBusy: 'later' })
}

export function store(): void {
  const useTrip = defineSessionStore('trip', { name: 'trip', setup: () => ({ shout: () => 'HEY' }) })
  expectTypeOf(useTrip().messages).toExtend<Shown>()
  expectTypeOf(useTrip().shout()).toExtend<string>()
}

type Mine = UIMessage<{ mood: string }, { weather: { celsius: number } }>

declare const client: Ably.Realtime
declare const mine: ReadableStream<UIMessageChunk<{ mood: string }, { weather: { celsius: number } }>>
declare const other: ReadableStream<UIMessageChunk<{ mood: number }>>

/** The chunks of an agent follow its message type. */
export function agent(): void {
  defineAgent<Mine>({
    client: () => client,
    async respond(run) {
      expectTypeOf(run).toExtend<{ context: () => Mine[] }>()
      await run.pipe(mine)
      // @ts-expect-error metadata of another type
      await run.pipe(other)
    },
  })
  defineAgent({
    client: () => client,
    async respond(run) {
      expectTypeOf(run).toEqualTypeOf<AgentRun<UIMessage, UIMessageChunk>>()
      await run.pipe(other)
    },
  })
  defineAgent({
    client: () => client,
    codec: createUIMessageCodec<Mine>(),
    async respond(run) {
      expectTypeOf(run.context()).toEqualTypeOf<Mine[]>()
      await run.pipe(mine)
      // @ts-expect-error metadata of another type
      await run.pipe(other)
    },
  })
}
