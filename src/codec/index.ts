export { createUIMessageCodec, UIMessageCodec } from './ui-message'
export type { Codec, Draft, EncodedPart, Encoder, Fold, Input, Operation, ReplyEnding } from '../core/codec'
export { Header, type Headers } from '../core/wire'
export type { Row } from '../core/log'
