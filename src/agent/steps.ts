import type { Tree } from '../core/tree'
import type { StepOptions } from './agent-step'
import { StepAttempt, type StepContext } from './step-attempt'

/** The steps of a run, as this waking of the agent takes them. */
export class Steps<Chunk> {
  #count = 0
  #last: StepAttempt<Chunk> | undefined

  constructor(
    private readonly run: StepContext<Chunk>,
    private readonly tree: Tree<object>,
  ) {}

  /** Opens a step; without an id it gets a new one. */
  async open({ id, clientId }: StepOptions): Promise<StepAttempt<Chunk>> {
    const opening = { stepId: id ?? this.#newId(), clientId: clientId ?? this.#lastClientId() }
    return (this.#last = await StepAttempt.open(this.run, opening))
  }

  /** The id of the step before, if that failed: opening it again takes the place of what it wrote. */
  get failedId(): string | undefined {
    return this.#last?.outcome === 'failed' ? this.#last.identity.stepId : undefined
  }

  // NOTE: another process may have taken steps in the name of this invocation
  #newId(): string {
    const taken = new Set(this.#known().map(({ stepId }) => stepId))
    for (;;) {
      const id = `${this.run.identity.invocationId}-step-${this.#count++}`
      if (!taken.has(id)) return id
    }
  }

  #lastClientId(): string {
    const last = this.#last?.identity.clientId ?? this.#known().at(-1)?.stepClientId
    return last ?? this.run.identity.inputClientId ?? ''
  }

  /** Steps of the run that the channel shows. */
  #known() {
    this.tree.settle()
    return this.tree.runs.get(this.run.identity.runId)?.state.steps ?? []
  }
}
