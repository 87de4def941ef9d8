import { readFileSync, rmSync, writeFileSync } from 'node:fs'

/** How often each file is in use in this process: a dev server that restarts opens it before the old one lets go. */
const uses = new Map<string, number>()

/**
 * Keeps other processes away from a file, by another one beside it that says who has it.
 * @returns lets go of it
 * @throws Error if a running process has it
 */
export function lock(path: string): () => void {
  const mark = `${path}.lock`
  const owner = ownerOf(mark)
  if (owner !== undefined && owner !== process.pid && isRunning(owner)) {
    throw new Error(`unable to open ${path}; process ${owner} uses it (if it does not, remove ${mark})`)
  }
  writeFileSync(mark, String(process.pid))
  count(mark, 1)
  return () => {
    if (count(mark, -1) === 0) rmSync(mark, { force: true })
  }
}

function count(mark: string, change: number): number {
  const left = (uses.get(mark) ?? 0) + change
  if (left > 0) uses.set(mark, left)
  else uses.delete(mark)
  return left
}

function ownerOf(mark: string): number | undefined {
  try {
    return Number(readFileSync(mark, 'utf8')) || undefined
  } catch {
    return undefined
  }
}

function isRunning(pid: number): boolean {
  try {
    return process.kill(pid, 0)
  } catch (error) {
    // NOTE: it runs, but as another user
    return error instanceof Error && 'code' in error && error.code === 'EPERM'
  }
}
