import { answerTo } from '../server/answers'
import { chunks } from './chunks'
import { createScript, type Script } from './script'
import type { Scripts } from './scripted-client'
import { UIMessageCodec } from '../../src/codec/ui-message/writing'

const lisbon = 'Plan a weekend in Lisbon for two'
const porto = 'And what would three nights in Porto cost?'
const table = 'Book a table for two on Friday'

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

/** An active run. */
const begun = (prompt: string, write: (script: Script) => void) =>
  scene((script) => {
    script.prompt('p1', prompt)
    script.start('p1')
    write(script)
  })

/** A complete run. */
const ended = (prompt: string, write: (script: Script) => void) =>
  begun(prompt, (script) => {
    write(script)
    script.end('p1', 'complete')
  })

/** A run that needs approval to book a table. */
const asking = (write: (script: Script) => void = () => {}) =>
  begun(table, (script) => {
    const said = chunks.text('The *Cervejaria do Cais* has a table at half past eight.')
    script.write('p1', [...said, ...chunks.call(), chunks.approvalRequest])
    script.suspend('p1')
    write(script)
  })

const answered = (approved: boolean, reason?: string) => (script: Script) => {
  script.say('p1', UIMessageCodec.createToolApproval({ toolCallId: chunks.callId, approved, reason }))
  script.resume('p1')
}

/** All states of the page, as messages on a channel. */
export const scenes = {
  idle: scene(() => {}),
  waiting: scene((script) => script.prompt('p1', lisbon, { at: -1200 })),
  thinking: scene((script) => {
    script.prompt('p1', lisbon, { at: -1500 })
    script.start('p1', { at: -600 })
  }),
  streaming: begun(lisbon, (script) => {
    const [now, later] = written(lisbon, 0.3)
    script.answer('p1', now, { later })
  }),
  stopping: begun(lisbon, (script) => {
    script.answer('p1', written(lisbon, 0.4)[0])
    script.cancel('p1', { at: -200, by: 'wren-a31' })
  }),
  stopped: begun(lisbon, (script) => {
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
  failed: begun('Show me how you fail', (script) => {
    script.answer('p1', written('Show me how you fail', 0.3)[0])
    script.end('p1', 'error', { error: 'the demo model failed, as you asked' })
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
  stopUnanswered: begun(lisbon, (script) => {
    script.answer('p1', written(lisbon, 0.4)[0], { at: -20_000 })
    script.cancel('p1', { at: -9000 })
  }),
  stopRefused: begun(lisbon, (script) => {
    const [now, later] = written(lisbon, 0.4)
    script.answer('p1', now, { later })
    script.cancel('p1')
    script.refuse('p1')
  }),
  unanswered: scene((script) => script.prompt('p1', lisbon, { at: -25_000, by: 'wren-a31' })),
  kept: { ...scene(() => {}), reaction: 'hold' },
  unsent: { ...scene(() => {}), reaction: 'refuse' },

  reasoning: begun('Think first: is Sintra worth a day?', (script) =>
    script.write('p1', chunks.reasoning(chunks.thoughts, { isOpen: true }), { at: 50, every: 200 }),
  ),
  reasoned: ended('Think first: is Sintra worth a day?', (script) =>
    script.write('p1', [...chunks.reasoning(chunks.thoughts), ...chunks.text(answerTo('is Sintra worth a day?'))]),
  ),
  sources: ended('Look up where to hear fado', (script) =>
    script.write('p1', [...chunks.sources, ...chunks.text(answerTo('Look up where to hear fado'))]),
  ),
  hostileSources: ended('Where does this lead?', (script) =>
    script.write('p1', [...chunks.hostileSources, ...chunks.text('Nowhere: only web and mail links can be followed.')]),
  ),
  progress: begun('Look up where to hear fado', (script) =>
    script.write('p1', [chunks.progress(0), chunks.progress(1), chunks.progress(2)], { at: -100, every: 600 }),
  ),
  files: ended('Paint the Tagus at dusk', (script) =>
    script.write('p1', [...chunks.text('As you wish:'), ...chunks.files]),
  ),
  attached: scene((script) => {
    script.prompt('p1', 'What do you make of these?', { files: chunks.attached })
    script.start('p1')
    script.answer('p1', answerTo('(file: image/png)'))
    script.end('p1', 'complete')
  }),

  toolWriting: begun(table, (script) => script.write('p1', chunks.call().slice(0, -2), { at: -100, every: 150 })),
  toolRunning: begun('Look up where to hear fado', (script) => script.write('p1', chunks.call('read_guides'))),
  toolAsking: asking(),
  toolApproved: asking(answered(true)),
  toolDone: asking((script) => {
    answered(true)(script)
    script.write('p1', [chunks.output], { at: -800 })
    script.write('p1', chunks.text('Done: **Friday, 20:30, two people**.'), { at: -700, message: 'answer-p1-2' })
    script.end('p1', 'complete')
  }),
  toolDenied: asking((script) => {
    answered(false, 'Too late for us')(script)
    script.write('p1', chunks.text('No table is booked, then.'), { at: -700, message: 'answer-p1-2' })
    script.end('p1', 'complete')
  }),
  toolFailed: ended(table, (script) => script.write('p1', [...chunks.call(), chunks.outputError])),
  toolStopped: asking((script) => {
    script.cancel('p1', { at: -700, by: 'wren-a31' })
    script.end('p1', 'cancelled')
  }),

  steerWaiting: begun(lisbon, (script) => {
    const [now, later] = written(lisbon, 0.3)
    script.answer('p1', now, { later })
    script.steer('p1', 'st1', 'We do not eat fish')
  }),
  steerKept: { ...begun(lisbon, (script) => script.answer('p1', written(lisbon, 0.3)[0])), reaction: 'hold' },
  steerSeen: begun(lisbon, (script) => {
    script.answer('p1', written(lisbon, 0.3)[0])
    script.steer('p1', 'st1', 'We do not eat fish')
    const seen = chunks.text(answerTo('We do not eat fish'))
    script.write('p1', seen, { at: -1500, message: 'answer-p1-2', steers: ['st1'] })
    script.end('p1', 'complete')
  }),
  steerMissed: begun(lisbon, (script) => {
    script.answer('p1', written(lisbon, 0.4)[0])
    script.steer('p1', 'st1', 'We do not eat fish')
    script.end('p1', 'complete')
  }),

  edited: scene((script) => {
    script.prompt('p1', lisbon)
    script.start('p1')
    script.answer('p1', written(lisbon, 0.4)[0])
    script.end('p1', 'complete')
    script.prompt('p2', 'Plan a weekend in Lisbon for two, on foot', { at: -6000, instead: 'p1' })
    script.start('p2', { at: -5500 })
    const [now, later] = written(lisbon, 0.3)
    script.answer('p2', now, { later, at: -5000 })
  }),
  regenerated: scene((script) => {
    script.prompt('p1', lisbon)
    script.start('p1')
    script.answer('p1', written(lisbon, 0.4)[0])
    script.end('p1', 'complete', { at: -6500 })
    script.start('again', { at: -5500, to: 'p1', regenerates: 'answer-p1' })
    script.write('again', chunks.text(answerTo('Actually, make it five days')), { at: -5000 })
    script.end('again', 'complete')
  }),
  elsewhere: scene((script) => {
    script.prompt('p1', lisbon)
    script.start('p1')
    script.answer('p1', written(lisbon, 0.4)[0])
    script.prompt('p2', porto, { at: -6000, instead: 'p1' })
    script.start('p2', { at: -5500 })
    script.answer('p2', answerTo(porto), { at: -5000 })
    script.end('p2', 'complete')
  }),
} satisfies Scripts

export type SceneName = keyof typeof scenes
