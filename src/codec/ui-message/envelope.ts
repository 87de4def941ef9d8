import type { UIMessage } from 'ai'
import type { Row } from '../../core/log'
import { merged } from '../json'
import { whole, type FoldScope, type PartFamily } from './family'

/** Lays the metadata of a row over what the message has. */
export function mergeMetadata(scope: FoldScope, message: UIMessage | undefined, row: Row): void {
  const { messageMetadata } = scope.fields(row, ['messageMetadata'])
  if (!message || messageMetadata === undefined) return
  // NOTE: opaque, so that what is merged next is read plain
  message.metadata = scope.draft.opaque(merged(message.metadata, messageMetadata))
}

/** What frames a message: its start and finish, its steps, its metadata, errors and aborts. */
export const envelopeFamily: PartFamily = {
  fold: {
    start(scope, row) {
      const message = scope.message(row)
      if (message && row.codec.messageId) message.id = row.codec.messageId
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
    start: whole(['messageId', 'messageMetadata']),
    'start-step': whole([]),
    'finish-step': whole([]),
    finish: whole(['finishReason', 'messageMetadata']),
    'message-metadata': whole(['messageMetadata']),
    error: whole([], ({ errorText }) => errorText),
    abort: whole([], ({ reason = '' }) => reason),
  },
}
