import { UIMessageCodec as codec, type UIMessageCodec as CodecOf } from '../codec/ui-message'
import type { AppMessage } from './app-message'

/** The codec for the app's messages: with `SessionTypes`, answers are checked against the app's tools. */
// The codec is the same for all messages; its type says more, once an app has declared `SessionTypes`
// oxlint-disable-next-line typescript/no-unnecessary-type-arguments -- an app changes this type
export const UIMessageCodec = codec as unknown as CodecOf<AppMessage>
export type UIMessageCodec<M extends AppMessage = AppMessage> = CodecOf<M>
