import type { UIMessage } from 'ai'
import { expectTypeOf } from 'vitest'
import {
  createAITransport,
  createUIMessageCodec,
  defineSessionStore,
  UIMessageCodec,
  useBranch,
  useClientSession,
  useRun,
  useView,
} from 'vue-ai-transport'

/** The message type of an app, which is declared once. */
export type Mine = UIMessage<{ mood: string }, { weather: { celsius: number } }, Tools>

type Tools = { locate: { input: { precise: boolean }; output: { city: string } } }

declare module 'vue-ai-transport' {
  interface SessionTypes {
    message: Mine
  }
}

export async function app(): Promise<void> {
  const codec = createUIMessageCodec<Mine>()
  createAITransport({ client: () => expect.unreachable(), codec })

  const { session } = useClientSession('trip')
  expectTypeOf(session.view.getMessages()[0]!.message).toEqualTypeOf<Mine>()

  const { messages, send, answer, steer, view } = useView()
  expectTypeOf(messages.value[0]!.message).toEqualTypeOf<Mine>()
  expectTypeOf(view.snapshot()).toEqualTypeOf<Mine[]>()
  const run = await send({ id: 'm', role: 'user', parts: [{ type: 'data-weather', data: { celsius: 20 } }] })
  expectTypeOf(run.messages[0]!.message).toEqualTypeOf<Mine>()
  // @ts-expect-error a data part of another type
  await send({ id: 'm', role: 'user', parts: [{ type: 'data-weather', data: { celsius: 'warm' } }] })
  const output = codec.createToolOutput({ tool: 'locate', toolCallId: 'call-1', output: { city: 'Oslo' } })
  expectTypeOf((await answer('m', output)).messages[0]!.message).toEqualTypeOf<Mine>()
  // @ts-expect-error an output of another type
  codec.createToolOutput({ tool: 'locate', toolCallId: 'call-1', output: { town: 'Oslo' } })
  UIMessageCodec.createToolOutput({ tool: 'locate', toolCallId: 'call-1', output: { city: 'Oslo' } })
  for (const part of messages.value[0]!.message.parts) {
    if (part.type !== 'tool-locate' || part.state !== 'input-available') continue
    await answer('m', UIMessageCodec.createToolOutput({ ...part, output: { city: String(part.input.precise) } }))
    // @ts-expect-error an output of another type
    await answer('m', UIMessageCodec.createToolOutput({ ...part, output: 'Oslo' }))
  }
  // @ts-expect-error an unknown tool
  UIMessageCodec.createToolApproval({ tool: 'locat', toolCallId: 'call-1', approved: true })
  // @ts-expect-error an output of another type
  await answer('m', UIMessageCodec.createToolOutput({ tool: 'locate', toolCallId: 'call-1', output: 'Oslo' }))
  expectTypeOf((await steer('run-1', 'cheaper').outcome).consumed).toEqualTypeOf<boolean>()

  expectTypeOf(useBranch('m').selected.value!.message).toEqualTypeOf<Mine>()
  expectTypeOf(useRun('run-1').messages.value[0]!.message).toEqualTypeOf<Mine>()
  const useTrip = defineSessionStore('trip', { name: 'trip' })
  expectTypeOf(useTrip().messages[0]!.message).toEqualTypeOf<Mine>()
}

declare const expect: { unreachable(): never }
