import type * as Ably from 'ably'
import type { UIMessage } from 'ai'
import { expectTypeOf } from 'vitest'
import { createClientSession, createUIMessageCodec, UIMessageCodec, useView, type Answer } from '../../src'

type Tools = {
  locate: { input: { precise: boolean }; output: { city: string } }
  pay: { input: { euros: number }; output: 'paid' | 'refused' }
}
type Mine = UIMessage<unknown, { weather: { celsius: number } }, Tools>
type Others = UIMessage<unknown, { weather: { celsius: number } }, { fly: { input: null; output: null } }>

declare const client: Ably.Realtime
const codec = createUIMessageCodec<Mine>()
const { createToolApproval, createToolOutput, createToolOutputError } = codec

/** A call is named by its tool. */
export function byName(): void {
  expectTypeOf(createToolOutput({ tool: 'locate', toolCallId: 'c', output: { city: 'Oslo' } })).toEqualTypeOf<
    Answer<Mine>
  >()
  createToolApproval({ tool: 'locate', toolCallId: 'c', approved: true })
  createToolOutputError({ tool: 'locate', toolCallId: 'c', errorText: 'no' })
  // @ts-expect-error an output of another type
  createToolOutput({ tool: 'locate', toolCallId: 'c', output: { town: 'Oslo' } })
  // @ts-expect-error an output of another tool
  createToolOutput({ tool: 'pay', toolCallId: 'c', output: { city: 'Oslo' } })
  // @ts-expect-error an unknown tool
  createToolOutput({ tool: 'locat', toolCallId: 'c', output: { city: 'Oslo' } })
  // @ts-expect-error an unknown tool
  createToolApproval({ tool: 'locat', toolCallId: 'c', approved: true })
  // @ts-expect-error an unknown tool
  createToolOutputError({ tool: 'locat', toolCallId: 'c', errorText: 'no' })
  UIMessageCodec.createToolOutput({ tool: 'any', toolCallId: 'c', output: 1 })
}

/** A call is its part: the name of the tool and its input come with it, without angle brackets. */
export async function byPart(): Promise<void> {
  const { messages, answer } = useView({ session: createClientSession({ client, sessionName: 'trip', codec }) })
  const { id, message } = messages.value[0]!
  for (const part of message.parts) {
    if (part.type === 'tool-locate' && part.state === 'input-available') {
      expectTypeOf(part.input).toEqualTypeOf<{ precise: boolean }>()
      await answer(id, createToolOutput({ ...part, output: { city: part.input.precise ? 'Oslo' : 'Norway' } }))
      await answer(id, createToolOutputError({ ...part, errorText: 'no position' }))
      // @ts-expect-error an output of another type
      createToolOutput({ ...part, output: { town: 'Oslo' } })
      // @ts-expect-error an output of another tool
      createToolOutput({ ...part, output: 'paid' })
      // @ts-expect-error an input of another type
      createToolOutput({ ...part, input: { precise: 'very' }, output: { city: 'Oslo' } })
    }
    if (part.type === 'tool-pay' && part.state === 'approval-requested') {
      expectTypeOf(part.input.euros).toEqualTypeOf<number>()
      await answer(id, createToolApproval({ ...part, approved: part.input.euros < 10 }))
      // @ts-expect-error a decision is yes or no
      createToolApproval({ ...part, approved: 'maybe' })
    }
    if (part.type === 'dynamic-tool') await answer(id, createToolOutput({ ...part, output: 1 }))
  }
}

/** A view takes answers of its own message type. */
export async function answers(): Promise<void> {
  const session = createClientSession({ client, sessionName: 'trip', codec })
  const { answer } = useView({ session })
  const output = createToolOutput({ tool: 'pay', toolCallId: 'c', output: 'paid' })
  expectTypeOf((await answer('m', output)).messages[0]!.message).toEqualTypeOf<Mine>()
  await answer('m', [output, createToolApproval({ toolCallId: 'd', approved: false })])
  await session.view.answer('m', output)
  const collected: Answer[] = [output]
  await answer('m', collected)
  // @ts-expect-error an answer to tools of other messages
  await answer('m', createUIMessageCodec<Others>().createToolOutput({ tool: 'fly', toolCallId: 'c', output: null }))
  // @ts-expect-error an answer that no tool has checked
  await answer('m', UIMessageCodec.createToolOutput({ tool: 'pay', toolCallId: 'c', output: 'gone' }))
  // @ts-expect-error not an answer
  await answer('m', { tool: 'pay', toolCallId: 'c', output: 'paid' })
}
