import type { Answer, Move, Provider } from './dialect'
import type { Stage } from './stage'

export const first = 'Plan a trip'
export const next = 'What time is it?'

export const think: Move = { think: 'Let me think. ' }
export const say: Move = { say: 'Day one. ' }
export const call = (name: string): Move => ({ call: name })
export const hold = (...moves: Move[]): Answer => ({ moves, ending: 'hold' })
export const end = (...moves: Move[]): Answer => ({ moves, ending: 'end' })
export const broken = (...moves: Move[]): Answer => ({ moves, ending: 'break' })

export const user = `user: ${first}`
export const stopped = '[The user stopped this answer here.]'
export const failed = '[This answer broke off here: overloaded]'
export const goesOn = '[This answer is still being written.]'
export const waits = '[This answer waits for the user here.]'

export type Moment = (stage: Stage, provider: Provider) => Promise<unknown>

export const inText: Moment = (stage) => stage.shows('text')
export const inThought: Moment = (stage, { lacks }) => (lacks.thoughts ? stage.holds() : stage.shows('reasoning'))

/** Sends the first prompt and stops its run at a moment. */
export const stopAt =
  (moment: Moment): ((stage: Stage, provider: Provider) => Promise<void>) =>
  async (stage, provider) => {
    const run = await stage.send(first)
    await moment(stage, provider)
    await stage.stop(run)
  }

/** Sends the first prompt, and waits until its run waits for the person. */
export const untilAsked = async (stage: Stage) => {
  const run = await stage.send(first)
  await stage.waits(run)
  return run
}
