import { textOf, type Encodes, type Folds } from './family'

const linkFields = ['sourceId', 'title', 'providerMetadata'] as const
const documentFields = ['sourceId', 'mediaType', 'title', 'filename', 'providerMetadata'] as const
const fileFields = ['mediaType', 'providerMetadata'] as const

/** Files and sources: whole parts that point elsewhere. */
export const foldAttachment: Folds = {
  file(scope, row) {
    scope.push(row, { type: 'file', mediaType: '', url: textOf(row), ...scope.fields(row, fileFields) })
  },
  'source-url'(scope, row) {
    scope.push(row, { type: 'source-url', sourceId: '', url: textOf(row), ...scope.fields(row, linkFields) })
  },
  'source-document'(scope, row) {
    const fields = scope.fields(row, documentFields)
    scope.push(row, { type: 'source-document', sourceId: '', mediaType: '', title: '', ...fields })
  },
}

export const encodeAttachment: Encodes = {
  file: { fields: fileFields, data: ({ url }) => url },
  'source-url': { fields: linkFields, data: ({ url }) => url },
  'source-document': { fields: documentFields },
}
