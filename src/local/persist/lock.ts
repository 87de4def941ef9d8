import { readFileSync, rmSync, writeFileSync } from 'node:fs'

/** How often each file is open in this process: a restarting dev server opens it before the old one closes it. */
const uses = new Map<string, number>()

/**
 * Locks a file against other processes, with a lock file beside it that names the process.
 * @returns a function that unlocks it
 * @throws Error if a running process has locked it
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
    // NOTE: the process runs as another user
    return error instanceof Error && 'code' in error && error.code === 'EPERM'
  }
}
