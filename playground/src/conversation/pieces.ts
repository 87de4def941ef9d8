import type { UIMessage } from 'ai'
import {
  isToolPart,
  type FilePart,
  type Part,
  type ReasoningPart,
  type SourcePart,
  type TextPart,
  type ToolPart,
} from './types'

/** One piece of a shown answer. */
export type Piece =
  | { kind: 'text'; part: TextPart }
  | { kind: 'reasoning'; part: ReasoningPart; isLast: boolean }
  | { kind: 'tool'; part: ToolPart }
  | { kind: 'sources'; parts: SourcePart[] }
  | { kind: 'file'; part: FilePart }
  | { kind: 'progress'; part: ProgressPart }
  | { kind: 'other'; type: string }

/** The progress of a running tool. */
export interface ProgressPart {
  readonly type: 'data-progress'
  readonly data: { readonly label: string; readonly done: number; readonly of: number }
}

/** Splits a message into pieces. It does not read their text, so a token does not recompute it. */
export function piecesOf({ parts }: UIMessage): readonly Piece[] {
  const pieces: Piece[] = []
  for (const [index, part] of parts.entries()) {
    const piece = pieceOf(part, index === parts.length - 1)
    const last = pieces.at(-1)
    if (piece?.kind === 'sources' && last?.kind === 'sources') last.parts.push(...piece.parts)
    else if (piece) pieces.push(piece)
  }
  return pieces
}

/** The length of a piece's text, in UTF-16 units. */
export const lengthOfPiece = (piece: Piece): number =>
  piece.kind === 'text' || piece.kind === 'reasoning' ? piece.part.text.length : 0

function pieceOf(part: Part, isLast: boolean): Piece | undefined {
  if (part.type === 'step-start') return undefined
  if (part.type === 'text') return { kind: 'text', part }
  if (part.type === 'reasoning') return { kind: 'reasoning', part, isLast }
  if (part.type === 'source-url' || part.type === 'source-document') return { kind: 'sources', parts: [part] }
  if (part.type === 'file') return { kind: 'file', part }
  if (isToolPart(part)) return { kind: 'tool', part }
  if (part.type === 'data-progress') return isProgress(part) ? { kind: 'progress', part } : undefined
  return { kind: 'other', type: part.type }
}

const isProgress = (part: { type: string; data?: unknown }): part is ProgressPart => {
  const { label, done, of } = (part.data ?? {}) as Record<string, unknown>
  return typeof label === 'string' && typeof done === 'number' && typeof of === 'number'
}
