import type { PlainObject } from '../../core/collections'
import { isOpen } from '../../core/log'
import type { Row } from '../../core/rows'
import { plainPort } from '../../core/signals'
import type { Headers } from '../../core/wire'
import type { Encodes } from './encode'
import { kindOf, messageIdOf, pack, textOf, unpack, type Opaque } from './fields'
import { keyOf, type FoldScope, type Folds } from './fold-scope'
import type { Part } from './parts'

interface Shape {
  /** Fields that travel as codec headers. */
  readonly fields: readonly string[]
  /** The field that travels as data. */
  readonly data?: string
  /** Fields that are never absent. */
  readonly defaults?: PlainObject
}

const metadata = ['providerMetadata'] as const
const fileFields = ['mediaType', 'providerMetadata'] as const
const linkFields = ['sourceId', 'title', 'providerMetadata'] as const
const documentFields = ['sourceId', 'mediaType', 'title', 'filename', 'providerMetadata'] as const

const text: Shape = { fields: metadata, data: 'text' }
const file: Shape = { fields: ['filename', ...fileFields], data: 'url', defaults: { mediaType: '' } }

/** Part types that are read from one row alone, each with the way it travels. */
const shapes: Readonly<Record<string, Shape>> = {
  text,
  reasoning: text,
  file,
  'reasoning-file': file,
  'source-url': { fields: linkFields, data: 'url', defaults: { sourceId: '' } },
  'source-document': { fields: documentFields, defaults: { sourceId: '', mediaType: '', title: '' } },
  custom: { fields: metadata, data: 'kind' },
}

export const shapeOf = (type: string): Shape | undefined => (Object.hasOwn(shapes, type) ? shapes[type] : undefined)

/** The part of this type that a row holds. */
export function readPart(scope: FoldScope, row: Row, type: string): Part {
  const { fields, data, defaults } = shapes[type]!
  const part: PlainObject = { type, ...defaults }
  if (data) part[data] = textOf(row)
  return Object.assign(part, scope.fields(row, fields)) as unknown as Part
}

function foldPart(scope: FoldScope, row: Row): object | undefined {
  const type = kindOf(row)
  if (shapes[type] !== text) return scope.push(row, readPart(scope, row, type))
  const key = keyOf(messageIdOf(row), row.codec.id, type)
  const begun = row.codec.continues === 'true' && scope.texts.get(key)
  if (begun) return continueText(scope, begun, row)
  chains.delete(row)
  scope.leadIn(row)
  const part = scope.push(row, readPart(scope, row, type))
  if (part) scope.texts.set(key, row)
  return part
}

export const foldSimple: Folds = Object.fromEntries(Object.keys(shapes).map((type) => [type, foldPart]))

type TextPart = PlainObject & { type: string }

/** The rows that hold the text of one part, for each of them, where there are several. */
const chains = new WeakMap<Row, Row[]>()

/** Appends a row to the text that it continues: a text too long for one message is still one part. */
function continueText(scope: FoldScope, begun: Row, row: Row): object {
  const rows = chains.get(begun) ?? [begun]
  rows.push(row)
  for (const each of [begun, row]) chains.set(each, rows)
  const part = begun.part as TextPart
  growPart(scope.draft.live(part), row, scope.draft.opaque)
  return part
}

/** The text of a row, with the rows that it is one text with. */
const wholeText = (row: Row): string => chains.get(row)?.reduce((all, each) => all + textOf(each), '') ?? textOf(row)

/** Brings a part in step with its row after the row grew. */
export function growPart(part: TextPart, row: Row, opaque: Opaque, write = plainPort.write): void {
  // NOTE: an observed part is slower to read and to write
  const plain = (row.part ?? part) as TextPart
  const { fields, data } = shapes[plain.type]!
  if (data) write(plain, data, wholeText(row))
  if (!isOpen(row)) Object.assign(part, unpack(row.codec, opaque, fields))
}

/** The codec headers and data that hold a part. */
export function writePart(part: Part, kind: string): { codec: Headers; data: unknown } {
  const { fields, data } = shapes[part.type]!
  return { codec: pack(part, kind, fields as never), data: data && (part as unknown as PlainObject)[data] }
}

export const encodePart: Encodes = {
  file: { fields: fileFields, data: ({ url }) => url },
  'reasoning-file': { fields: fileFields, data: ({ url }) => url },
  'source-url': { fields: linkFields, data: ({ url }) => url },
  'source-document': { fields: documentFields },
  custom: { fields: metadata, data: ({ kind }) => kind },
}
