import type { UIMessage } from 'ai'
import type { Row } from '../../core/log'
import { merged } from '../json'
import type { Encodes, FoldScope, Folds } from './family'

/** Lays the metadata of a row over what the message has. */
export function mergeMetadata(scope: FoldScope, message: UIMessage | undefined, row: Row): void {
  const { messageMetadata } = scope.fields(row, ['messageMetadata'])
  if (!message || messageMetadata === undefined) return
  // NOTE: opaque, so that what is merged next is read plain
  message.metadata = scope.draft.opaque(merged(message.metadata, messageMetadata))
}

/** What frames a message: its start and finish, its steps, its metadata, errors and aborts. */
export const foldEnvelope: Folds = {
  start(scope, row) {
    const message = scope.message(row)
    if (message && row.codec.messageId) message.id = row.codec.messageId
    mergeMetadata(scope, message, row)
  },
  'start-step': (scope, row) => scope.startStep(row),
  'finish-step': (scope, row) => scope.finishStep(row),
  finish: foldMetadata,
  'message-metadata': foldMetadata,
  error() {},
  abort() {},
}

function foldMetadata(scope: FoldScope, row: Row): void {
  mergeMetadata(scope, scope.existing(row), row)
}

export const encodeEnvelope: Encodes = {
  start: { fields: ['messageId', 'messageMetadata'] },
  'start-step': { fields: [] },
  'finish-step': { fields: [] },
  finish: { fields: ['finishReason', 'messageMetadata'] },
  'message-metadata': { fields: ['messageMetadata'] },
  error: { fields: [], data: ({ errorText }) => errorText },
  abort: { fields: [], data: ({ reason = '' }) => reason },
}
