export { createUIMessageCodec, UIMessageCodec } from './ui-message'
export type { Codec, Draft, EncodedPart, Encoder, Fold, Input, Operation, ReplyEnding } from '../core/codec'
