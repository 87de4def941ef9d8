import type { ChunkSource } from './chunk-reader'
import type { StepReason } from './headers'
import type { PipeResult } from './pipe'

/** How a step is to be opened. */
export interface StepOptions {
  /**
   * An id of your own; a step that is opened again under its id takes the place of what was written under it before.
   * @default the id of the step before if that one failed, else a new one
   */
  id?: string
  /** On whose behalf it is done. @default as in the step before, else whoever published the input */
  clientId?: string
}

/** How often a step is to be tried. */
export interface RetryOptions extends StepOptions {
  /** How many more times it is tried when it fails, unless the run is cancelled. @default 0 */
  retries?: number
}

/** One attempt of a section of a run. */
export interface AgentStep<Chunk> {
  readonly stepId: string
  /**
   * Publishes a stream as one message of this attempt. One pipe at a time.
   * @throws SessionError 40003 after `end()`, or during another pipe
   */
  pipe(stream: ChunkSource<Chunk>): Promise<PipeResult>
  /**
   * Waits for a pipe that is still running, then says how the attempt came out; nothing more can be piped. Ending it again
   * does nothing. Never rejects: what the channel refuses is reported.
   * @param reason - without it the attempt comes out as its last pipe did, and `complete` if there was none
   */
  end(reason?: StepReason): Promise<void>
}
