import { misuse } from './misuse'

/** How far a run has come in this process. */
export type RunPhase = 'new' | 'starting' | 'open' | 'ending' | 'suspended' | 'over'

/** What can be done with a run. */
type Verb = 'start' | 'read' | 'write' | 'suspend' | 'end'

const allowed: Readonly<Record<Verb, readonly RunPhase[]>> = {
  start: ['new'],
  read: ['open', 'ending', 'suspended', 'over'],
  write: ['open'],
  suspend: ['open'],
  end: ['starting', 'open', 'ending', 'over'],
}

const faults: Readonly<Record<RunPhase, string>> = {
  new: 'the run was not started',
  starting: 'the run was not started',
  open: 'it was started before',
  ending: 'the run is over',
  suspended: 'the run is suspended',
  over: 'the run is over',
}

export const allows = (phase: RunPhase, verb: Verb): boolean => allowed[verb].includes(phase)

/** @throws SessionError 40003 when the run has not come far enough for this, or too far */
export function permit(phase: RunPhase, verb: Verb, what: string): void {
  if (!allows(phase, verb)) throw misuse(what, faults[phase])
}
