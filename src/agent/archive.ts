import { ErrorCode, toSessionError, type SessionError } from '../core/errors'
import { bySerial } from '../core/collections'
import { type Row, type RowReader, type RowTuple, tupleOf } from '../core/rows'
import type { Tree } from '../core/tree'
import { Header, MessageName } from '../core/wire'
import { inTime } from './time-limit'

/** Rows of sessions in the app's own database; `sqlArchive()` makes one. */
export interface AgentArchive extends RowReader {
  /** Keeps rows of a session by serial; of two versions the newer one stays. */
  write(options: { sessionName: string; rows: readonly RowTuple[] }): Promise<void>
}

/** Rows per write where most of the rows are in the archive already, because they were read back from Ably. */
const many = 50
const lastCharacter = '\u{10FFFF}'
/** Milliseconds that the archive may take to read or write rows: one that hangs must not keep a run from its end. */
const timeLimit = 15_000

/**
 * Keeps a session's rows in the archive: those of a run and its prompts when the run has ended or waits, and again when
 * one changes later. Rows are written by serial, so several agents may write the same ones.
 */
export class ArchiveWriter<M extends object> implements RowReader {
  readonly #archive: AgentArchive
  readonly #sessionName: string
  readonly #tree: Tree<M>
  readonly #report: (error: SessionError) => void
  /** Rows that the archive may not have in this version. */
  readonly #unwritten = new Set<Row>()
  /** Versions that were read from the archive, by serial. */
  readonly #read = new Map<string, string>()
  #lastWrite: Promise<void> = Promise.resolve()
  #isWaiting = false

  constructor(archive: AgentArchive, sessionName: string, tree: Tree<M>, report: (error: SessionError) => void) {
    this.#archive = archive
    this.#sessionName = sessionName
    this.#tree = tree
    this.#report = report
  }

  async read(options: Parameters<RowReader['read']>[0]): Promise<readonly RowTuple[]> {
    const rows = await inTime('it', this.#archive.read(options), timeLimit)
    for (const [serial, version] of rows) this.#read.set(serial, version || serial)
    return rows
  }

  /** Notes a row that is new or has changed, and writes when a run has ended with it or had ended before. */
  note(row: Row): void {
    this.#unwritten.add(row)
    const isLast = row.name === MessageName.runEnd || row.name === MessageName.runSuspend
    if (isLast || (row.version !== row.serial && this.#isSettled(row))) void this.flush()
  }

  /**
   * Writes the rows that belong to no active run; calls while a write is running share the next one. Never rejects: a
   * failure is reported, and the next write tries again.
   */
  flush(): Promise<void> {
    if (!this.#isWaiting) {
      this.#isWaiting = true
      this.#lastWrite = this.#lastWrite.then(() => {
        this.#isWaiting = false
        return this.#write()
      })
    }
    return this.#lastWrite
  }

  async #write(): Promise<void> {
    this.#tree.settle()
    const rows = [...this.#unwritten].filter((row) => this.#isSettled(row))
    for (const row of rows) this.#unwritten.delete(row)
    try {
      const news = await this.#newsOf(rows.toSorted(bySerial))
      if (news.length > 0)
        await inTime('it', this.#archive.write({ sessionName: this.#sessionName, rows: news.map(tupleOf) }), timeLimit)
    } catch (cause) {
      for (const row of rows) this.#unwritten.add(row)
      this.#report(toSessionError('write to the archive', ErrorCode.ArchiveFailed, cause))
    }
  }

  /** The rows that the archive does not have in these versions, as far as is known. */
  async #newsOf(rows: readonly Row[]): Promise<readonly Row[]> {
    const isNews = ({ serial, version }: Row): boolean => version > (this.#read.get(serial) ?? '')
    const news = rows.filter(isNews)
    if (news.length <= many) return news
    const before = `${news.at(-1)!.serial}${lastCharacter}`
    await this.read({ sessionName: this.#sessionName, before, limit: news.length })
    return news.filter(isNews)
  }

  #isSettled({ partial, transport }: Row): boolean {
    const runId = transport[Header.runId]
    const run = runId === undefined ? undefined : this.#tree.runs.get(runId)
    return !partial && run?.state.status !== 'active'
  }
}
