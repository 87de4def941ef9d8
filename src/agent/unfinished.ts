import type { ReplyCodec } from '../core/codec'
import { isStreamed, type Row } from '../core/log'
import { Header, MessageName } from '../core/wire'

type Codec = Pick<ReplyCodec<never, never>, 'breaksOff'>
type Ids = ReadonlySet<string | undefined>

const idsOf = (rows: readonly Row[]): Ids => new Set(rows.map(({ transport }) => transport[Header.messageId]))

/** The ids of messages with a stream that did not complete, or with a row that says that they were cut short. */
export const cutShortIn = (rows: readonly Row[], codec: Codec): Ids =>
  idsOf(rows.filter((row) => isCut(row) || codec.breaksOff?.(row)))

const isCut = (row: Row): boolean => isStreamed(row) && row.transport[Header.status] !== 'complete'

/**
 * The ids of replies that the model did not bring to their end: those that were cut short, and those of a step that did not
 * complete.
 *
 * @param rows - all rows of a run
 */
export function unfinishedIn(rows: readonly Row[], codec: Codec): Ids {
  const isEnd = ({ name, transport }: Row): boolean =>
    name === MessageName.stepEnd && transport[Header.stepReason] === 'complete'
  const whole = new Set(rows.filter(isEnd).map(({ transport }) => transport[Header.attempt]))
  const outputs = rows.filter(({ name }) => name === MessageName.output)
  return new Set([
    ...cutShortIn(rows, codec),
    ...idsOf(outputs.filter((row) => !whole.has(row.transport[Header.attempt]))),
  ])
}
