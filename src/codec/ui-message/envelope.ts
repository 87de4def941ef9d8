import type { UIMessage } from 'ai'
import type { Row } from '../../core/rows'
import { merged } from '../json'
import type { Encodes } from './encode'
import type { FoldScope, Folds } from './fold-scope'

/** Gives a message the id and the metadata of a row; metadata is merged into what the message has. */
export function describeMessage(scope: FoldScope, message: UIMessage | undefined, row: Row): void {
  if (!message) return
  if (row.codec.messageId) message.id = row.codec.messageId
  if (row.codec.messageMetadata === undefined) return
  const { messageMetadata } = scope.fields(row, ['messageMetadata'])
  if (messageMetadata !== undefined) mergeMetadata(scope, message, messageMetadata)
}

export function mergeMetadata(scope: FoldScope, message: UIMessage | undefined, metadata: unknown): void {
  // NOTE: opaque, so that the next merge reads plain objects
  if (message) message.metadata = scope.draft.opaque(merged(message.metadata, metadata))
}

function foldMetadata(scope: FoldScope, row: Row): void {
  describeMessage(scope, scope.existing(row), row)
}

/** The frame of a message: its start and finish, its steps, its metadata, errors and aborts. */
export const foldEnvelope: Folds = {
  start: (scope, row) => describeMessage(scope, scope.message(row), row),
  'start-step': (scope, row) => scope.startStep(row),
  'finish-step': (scope, row) => scope.finishStep(row),
  finish: foldMetadata,
  'message-metadata': foldMetadata,
  error() {},
  abort() {},
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
