import type { UIMessage } from 'ai'
import type { Operation } from '../../core/codec'
import { headers } from '../../core/wire'
import type { Row } from '../../core/log'
import { merged, parseJson, toHeader } from '../json'
import type { FoldScope, PartFamily } from './family'

const publish = (kind: string, codec: Record<string, string | undefined> = {}, data = ''): Operation[] => [
  { op: 'publish', codec: headers({ kind, ...codec }), data },
]

function mergeMetadata({ draft }: FoldScope, message: UIMessage | undefined, row: Row): void {
  const given = parseJson(row.codec.messageMetadata)
  // NOTE: opaque, so that what is merged next is read plain
  if (message && given !== undefined) message.metadata = draft.opaque(merged(message.metadata, given))
}

/** What frames a message: its start and finish, its steps, its metadata, errors and aborts. */
export const envelopeFamily: PartFamily = {
  fold: {
    start(scope, row) {
      const message = scope.message(row)
      if (message && row.codec.messageId !== undefined) message.id = row.codec.messageId
      mergeMetadata(scope, message, row)
    },
    'start-step': (scope, row) => scope.startStep(row),
    'finish-step': (scope, row) => scope.finishStep(row),
    finish: (scope, row) => mergeMetadata(scope, scope.existing(row), row),
    'message-metadata': (scope, row) => mergeMetadata(scope, scope.existing(row), row),
    error() {},
    abort() {},
  },
  encode: {
    start: (chunk) =>
      publish('start', { messageId: chunk.messageId, messageMetadata: toHeader(chunk.messageMetadata) }),
    'start-step': () => publish('start-step'),
    'finish-step': () => publish('finish-step'),
    finish: (chunk) =>
      publish('finish', { finishReason: chunk.finishReason, messageMetadata: toHeader(chunk.messageMetadata) }),
    'message-metadata': (chunk) => publish('message-metadata', { messageMetadata: toHeader(chunk.messageMetadata) }),
    error: (chunk) => publish('error', {}, chunk.errorText),
    abort: (chunk) => publish('abort', {}, chunk.reason ?? ''),
  },
}
