import { readFileSync, rmSync, writeFileSync } from 'node:fs'

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
  return () => rmSync(mark, { force: true })
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
