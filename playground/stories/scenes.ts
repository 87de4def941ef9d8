import { answerTo } from '../server/answers'
import { createScript, type Script } from './script'
import type { Scripts } from './scripted-client'

const lisbon = 'Plan a weekend in Lisbon for two'
const porto = 'And what would three nights in Porto cost?'

const written = (prompt: string, share: number): [string, string] => {
  const text = answerTo(prompt)
  const cut = Math.round(text.length * share)
  return [text.slice(0, cut), text.slice(cut)]
}

const scene = (write: (script: Script) => void): { script: Script } => {
  const script = createScript()
  write(script)
  return { script }
}

/** Every state that a run card, the dock and the composer can be in, as a channel would tell it. */
export const scenes = {
  idle: scene(() => {}),
  waiting: scene((script) => script.prompt('p1', lisbon, { at: -1200 })),
  thinking: scene((script) => {
    script.prompt('p1', lisbon, { at: -1500 })
    script.start('p1', { at: -600 })
  }),
  streaming: scene((script) => {
    script.prompt('p1', lisbon)
    script.start('p1')
    const [now, later] = written(lisbon, 0.3)
    script.answer('p1', now, { later })
  }),
  stopping: scene((script) => {
    script.prompt('p1', lisbon)
    script.start('p1')
    script.answer('p1', written(lisbon, 0.4)[0])
    script.cancel('p1', { at: -200, by: 'wren-a31' })
  }),
  stopped: scene((script) => {
    script.prompt('p1', lisbon)
    script.start('p1')
    script.answer('p1', written(lisbon, 0.4)[0])
    script.cancel('p1', { by: 'wren-a31' })
    script.end('p1', 'cancelled')
  }),
  complete: scene((script) => {
    script.prompt('p1', lisbon, { by: 'wren-a31' })
    script.start('p1')
    script.answer('p1', answerTo(lisbon))
    script.end('p1', 'complete')
  }),
  failed: scene((script) => {
    script.prompt('p1', 'Show me how you fail')
    script.start('p1')
    script.answer('p1', written('Show me how you fail', 0.3)[0])
    script.end('p1', 'error', { error: 'the demo model lost its thread, as you asked it to' })
  }),
  two: scene((script) => {
    script.prompt('p1', lisbon, { at: -9000 })
    script.prompt('p2', porto, { at: -8900, after: 'p1' })
    script.start('p1')
    script.start('p2')
    const [one, oneLater] = written(lisbon, 0.35)
    const [two, twoLater] = written(porto, 0.35)
    script.answer('p1', one, { later: oneLater, every: 180 })
    script.answer('p2', two, { later: twoLater, every: 240 })
  }),
  unsent: { ...scene(() => {}), reaction: 'refuse' },
} satisfies Scripts

export type SceneName = keyof typeof scenes
