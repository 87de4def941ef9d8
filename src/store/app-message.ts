import type { UIMessage } from 'ai'
import { UIMessageCodec as codec, type UIMessageCodec as CodecOf } from '../codec/ui-message'

/**
 * States an app's message type once, so that every session, view and send of the app infers it.
 *
 * @example
 * declare module 'vue-ai-transport' {
 *   interface SessionTypes { message: UIMessage<MyMetadata, MyDataParts, MyTools> }
 * }
 */
// An interface, and empty, so that apps can add to it
// oxlint-disable-next-line typescript/no-empty-object-type
export interface SessionTypes {}

/** The app's message type; `UIMessage` unless {@link SessionTypes} says otherwise. */
export type AppMessage = SessionTypes extends { message: infer M extends UIMessage } ? M : UIMessage

/** The codec for the app's messages: with `SessionTypes`, answers are checked against the app's tools. */
// The codec is the same for all messages; its type says more, once an app has declared `SessionTypes`
// oxlint-disable-next-line typescript/no-unnecessary-type-arguments -- an app changes this type
export const UIMessageCodec = codec as unknown as CodecOf<AppMessage>
export type UIMessageCodec<M extends AppMessage = AppMessage> = CodecOf<M>
