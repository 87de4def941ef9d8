import { textOf, whole, type PartFamily } from './family'

/** Files and sources: whole parts that point elsewhere. */
export const attachmentFamily: PartFamily = {
  fold: {
    file(scope, row) {
      const fields = scope.fields(row, ['mediaType', 'providerMetadata'])
      scope.push(row, { type: 'file', mediaType: '', url: textOf(row), ...fields })
    },
    'source-url'(scope, row) {
      const fields = scope.fields(row, ['sourceId', 'title', 'providerMetadata'])
      scope.push(row, { type: 'source-url', sourceId: '', url: textOf(row), ...fields })
    },
    'source-document'(scope, row) {
      const fields = scope.fields(row, ['sourceId', 'mediaType', 'title', 'filename', 'providerMetadata'])
      scope.push(row, { type: 'source-document', sourceId: '', mediaType: '', title: '', ...fields })
    },
  },
  encode: {
    file: whole(['mediaType', 'providerMetadata'], ({ url }) => url),
    'source-url': whole(['sourceId', 'title', 'providerMetadata'], ({ url }) => url),
    'source-document': whole(['sourceId', 'mediaType', 'title', 'filename', 'providerMetadata']),
  },
}
