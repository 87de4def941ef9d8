import { headers } from '../../core/wire'
import { toHeader } from '../json'
import { textOf, type PartFamily } from './family'

/** Files and sources: whole parts that point elsewhere. */
export const attachmentFamily: PartFamily = {
  fold: {
    file(scope, row) {
      scope.push(row, { type: 'file', mediaType: row.codec.mediaType ?? '', url: textOf(row) })
    },
    'source-url'(scope, row) {
      const { sourceId = '', title } = row.codec
      scope.push(row, { type: 'source-url', sourceId, url: textOf(row), ...(title !== undefined && { title }) })
    },
    'source-document'(scope, row) {
      const { sourceId = '', mediaType = '', title = '', filename } = row.codec
      scope.push(row, {
        type: 'source-document',
        sourceId,
        mediaType,
        title,
        ...(filename !== undefined && { filename }),
      })
    },
  },
  encode: {
    file: ({ mediaType, url, providerMetadata }) => [
      {
        op: 'publish',
        codec: headers({ kind: 'file', mediaType, providerMetadata: toHeader(providerMetadata) }),
        data: url,
      },
    ],
    'source-url': ({ sourceId, url, title, providerMetadata }) => [
      {
        op: 'publish',
        codec: headers({ kind: 'source-url', sourceId, title, providerMetadata: toHeader(providerMetadata) }),
        data: url,
      },
    ],
    'source-document': ({ sourceId, mediaType, title, filename, providerMetadata }) => [
      {
        op: 'publish',
        codec: headers({
          kind: 'source-document',
          sourceId,
          mediaType,
          title,
          filename,
          providerMetadata: toHeader(providerMetadata),
        }),
        data: '',
      },
    ],
  },
}
