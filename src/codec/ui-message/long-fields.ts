import { isPlainObject, type PlainObject } from '../../core/collections'
import type { Row } from '../../core/rows'
import { mergeMetadata } from './envelope'
import { messageIdOf, unpackData } from './fields'
import { keyOf, type FoldScope } from './fold-scope'
import { corrections } from './tool'

/** Folds fields that were too long for the headers of a text, a call, another part or a message. */
export function foldLongFields(scope: FoldScope, row: Row): void {
  const { id, of, toolCallId } = row.codec
  if (toolCallId !== undefined) return foldCall(scope, row)
  const { draft } = scope
  const message = scope.existing(row)
  const part = of === undefined ? message?.parts.at(-1) : scope.texts.get(keyOf(messageIdOf(row), id, of))?.part
  const { messageMetadata, ...fields } = unpackData(row.data, draft.opaque, ['messageMetadata', 'providerMetadata'])
  if (messageMetadata !== undefined) mergeMetadata(scope, message, messageMetadata)
  else if (part) Object.assign(draft.live(part), fields)
}

function foldCall(scope: FoldScope, row: Row): void {
  const { opaque } = scope.draft
  const names = ['providerMetadata', 'resultProviderMetadata', 'toolMetadata']
  const fields = unpackData(row.data, opaque, names, { providerMetadata: 'callProviderMetadata' })
  const { approvalDescriptor: descriptor } = unpackData(row.data, opaque, ['approvalDescriptor'])
  const data = row.data as PlainObject
  scope.changeTool(row, (part) => {
    Object.assign(part, fields)
    if (part.approval && descriptor !== undefined) part.approval = { ...part.approval, descriptor }
    if (!isPlainObject(data) || !('input' in data)) return
    part.input = opaque(data.input)
    const streamed = scope.inputs.get(part.toolCallId)
    // NOTE: a late append to the streamed input must not replace its correction
    if (streamed) corrections.set(streamed, data.input)
  })
}
