export { createUIMessageCodec, UIMessageCodec } from './ui-message/writing'
export type { ToolApproval, ToolOutput, ToolOutputError } from './ui-message/tool-call'
export type {
  Answer,
  Codec,
  Draft,
  EncodedPart,
  Encoder,
  Fold,
  Input,
  Operation,
  ReplyCodec,
  ReplyEnding,
  ModelReading,
  Seed,
  WholeMessage,
} from '../core/codec'
export { Header } from './header'
export type { Headers } from '../core/wire'
export type { Row } from '../core/rows'
