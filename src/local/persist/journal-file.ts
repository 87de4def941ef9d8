import { closeSync, fsyncSync, ftruncateSync, openSync, readFileSync, renameSync, rmSync, writeSync } from 'node:fs'
import { readRecord, writeRecord, type JournalRecord } from './records'

/** Only its owner may read the file: it holds a key. */
const MODE = 0o600

const NEWLINE = 0x0a

/** A file with one record per line. When `append` returns, the operating system has the record. */
export class JournalFile {
  /** How much was appended since the last rewrite, in bytes. */
  grown = 0
  readonly #path: string
  #fd: number
  #size: number

  private constructor(path: string, fd: number, size: number) {
    this.#path = path
    this.#fd = fd
    this.#size = size
  }

  /**
   * Opens a file and reads its records. A last line that a crash cut off is dropped.
   * @throws Error if it cannot be opened, or another line cannot be read
   */
  static open(path: string): { file: JournalFile; records: JournalRecord[] } {
    const fd = openSync(path, 'a+', MODE)
    const bytes = readFileSync(fd)
    const whole = bytes.lastIndexOf(NEWLINE) + 1
    if (whole < bytes.byteLength) ftruncateSync(fd, whole)
    const records = Array.from(linesOf(bytes.subarray(0, whole)), (line, i) => readLine(line, `${path}:${i + 1}`))
    return { file: new JournalFile(path, fd, whole), records }
  }

  /** @throws Error if the record cannot be written; then the file is unchanged */
  append(record: JournalRecord) {
    const bytes = Buffer.from(writeRecord(record))
    try {
      write(this.#fd, bytes)
    } catch (error) {
      ftruncateSync(this.#fd, this.#size)
      throw error
    }
    this.#size += bytes.byteLength
    this.grown += bytes.byteLength
  }

  /** Replaces all records in one step. */
  replace(records: Iterable<JournalRecord>) {
    const next = `${this.#path}.next`
    rmSync(next, { force: true })
    const fd = openSync(next, 'ax', MODE)
    let size = 0
    for (const record of records) size += write(fd, Buffer.from(writeRecord(record)))
    fsyncSync(fd)
    renameSync(next, this.#path)
    closeSync(this.#fd)
    this.#fd = fd
    this.#size = size
    this.grown = 0
  }

  /** Closes the file after all records are on the disk. */
  close() {
    fsyncSync(this.#fd)
    closeSync(this.#fd)
  }
}

function write(fd: number, bytes: Uint8Array): number {
  let written = 0
  while (written < bytes.byteLength) written += writeSync(fd, bytes, written)
  return written
}

// NOTE: line by line, since a file may be longer than a string can be
function* linesOf(bytes: Buffer): Generator<string> {
  for (let start = 0; start < bytes.byteLength;) {
    const end = bytes.indexOf(NEWLINE, start)
    yield bytes.toString('utf8', start, end)
    start = end + 1
  }
}

function readLine(line: string, where: string): JournalRecord {
  try {
    return readRecord(line)
  } catch (error) {
    throw new Error(`unable to read ${where}; the line is damaged`, { cause: error })
  }
}
