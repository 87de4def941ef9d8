import type { Script } from './desk'
import type { Provider } from './dialect'
import type { Stage } from './stage'
import {
  broken,
  call,
  end,
  failed,
  first,
  goesOn,
  hold,
  inText,
  inThought,
  say,
  stopAt,
  stopped,
  think,
  untilAsked,
  user,
  waits,
} from './words'

/** A state that a conversation is in when the next prompt is sent. */
export interface State {
  readonly name: string
  readonly script: Script
  /** Brings a new conversation into the state. */
  enter(stage: Stage, provider: Provider): Promise<void>
  /** The conversation that the model gets before the next prompt. */
  readonly told: readonly string[]
  /** Abilities that a provider must have. */
  readonly needs?: readonly (keyof Provider['lacks'])[]
}

export const states: readonly State[] = [
  {
    name: 'stopped before the first token',
    script: { [first]: [hold()] },
    enter: stopAt((stage) => stage.holds()),
    told: [user, `assistant: ${stopped}`],
  },
  {
    name: 'stopped while the model thinks',
    script: { [first]: [hold(think)] },
    enter: stopAt(inThought),
    told: [user, `assistant: ${stopped}`],
  },
  {
    name: 'stopped after a thought, before its text',
    script: { [first]: [hold(think, { say: ' ' })] },
    enter: stopAt((stage) => stage.shows('text')),
    told: [user, `assistant: ${stopped}`],
  },
  {
    name: 'stopped in the text',
    script: { [first]: [hold(think, say)] },
    enter: stopAt(inText),
    told: [user, `assistant: (own thought) Day one. ${stopped}`],
  },
  {
    name: 'stopped in the input of a call',
    script: { [first]: [hold(think, say, call('weather'))] },
    enter: stopAt((stage) => stage.shows('tool-weather')),
    told: [user, 'assistant: (own thought) Day one. calls weather', 'weather: cancelled', `assistant: ${stopped}`],
    needs: ['partialInput'],
  },
  {
    name: 'stopped while a tool of the agent runs',
    script: { [first]: [end(think, call('weather'))] },
    enter: stopAt((stage) => stage.shows('tool-weather', 'input-available')),
    told: [user, 'assistant: (own thought) calls weather', 'weather: cancelled', `assistant: ${stopped}`],
  },
  {
    name: 'stopped while one of two tools runs',
    script: { [first]: [end(think, say, call('clock'), call('weather'))] },
    enter: stopAt(async (stage) => {
      await stage.shows('tool-clock', 'output-available')
      await stage.shows('tool-weather', 'input-available')
    }),
    told: [
      user,
      'assistant: (own thought) Day one. calls clock, weather',
      'clock: noon',
      'weather: cancelled',
      `assistant: ${stopped}`,
    ],
  },
  {
    name: 'stopped while a tool reports progress',
    script: { [first]: [end(think, call('report'))] },
    enter: stopAt((stage) => stage.shows('tool-report', undefined, ({ output }) => output === 'half')),
    told: [user, 'assistant: (own thought) calls report', 'report: cancelled', `assistant: ${stopped}`],
  },
  {
    name: 'stopped while a tool of the provider runs',
    script: { [first]: [hold(think, { search: 'Lisbon' })] },
    enter: stopAt((stage) => stage.shows('tool-search')),
    told: [user, `assistant: ${stopped}`],
    needs: ['search'],
  },
  {
    name: 'stopped in the text after a tool of the provider',
    script: { [first]: [hold(think, { search: 'Lisbon' }, say)] },
    enter: stopAt(inText),
    told: [user, `assistant: (own thought) Day one. ${stopped}`],
    needs: ['search'],
  },
  {
    name: 'a tool of the client has no output yet',
    script: { [first]: [end(think, call('place'))] },
    enter: async (stage) => void (await untilAsked(stage)),
    told: [user, 'assistant: (thought) calls place', 'place: cancelled', `assistant: ${waits}`],
  },
  {
    name: 'stopped while a tool of the client runs',
    script: { [first]: [end(think, call('place'))] },
    enter: async (stage) => stage.stop(await untilAsked(stage)),
    told: [user, 'assistant: (thought) calls place', 'place: cancelled', `assistant: ${stopped}`],
  },
  {
    name: 'a tool of the client has its output',
    script: { [first]: [end(think, call('place')), end(think, say)] },
    async enter(stage) {
      await untilAsked(stage)
      await stage.ends(await stage.answer('place', { output: 'here' }))
    },
    told: [user, 'assistant: (thought) calls place', 'place: here', 'assistant: (thought) Day one. '],
  },
  {
    name: 'an output arrives after the Stop, and begins a run of its own',
    script: { [first]: [end(think, call('place')), end(think, say)] },
    async enter(stage) {
      await stage.stop(await untilAsked(stage))
      await stage.ends(await stage.answer('place', { output: 'here' }, 'fork'))
    },
    told: [user, 'assistant: (thought) calls place', 'place: here', 'assistant: (thought) Day one. '],
  },
  {
    name: 'an approval has no answer yet',
    script: { [first]: [end(think, call('pay'))] },
    enter: async (stage) => void (await untilAsked(stage)),
    told: [user, 'assistant: (thought) calls pay', 'pay: cancelled', `assistant: ${waits}`],
  },
  {
    name: 'stopped while an approval has no answer',
    script: { [first]: [end(think, call('pay'))] },
    enter: async (stage) => stage.stop(await untilAsked(stage)),
    told: [user, 'assistant: (thought) calls pay', 'pay: cancelled', `assistant: ${stopped}`],
  },
  {
    name: 'denied',
    script: { [first]: [end(think, call('pay')), end(think, say)] },
    async enter(stage) {
      await untilAsked(stage)
      await stage.ends(await stage.answer('pay', { approved: false }))
    },
    told: [
      user,
      'assistant: (thought) calls pay',
      'pay: Tool call execution denied.',
      'assistant: (thought) Day one. ',
    ],
  },
  {
    name: 'denied, then stopped before the model says more',
    script: { [first]: [end(think, call('pay')), hold()] },
    async enter(stage) {
      await untilAsked(stage)
      const run = await stage.answer('pay', { approved: false })
      await stage.holds()
      await stage.stop(run)
    },
    told: [user, 'assistant: (thought) calls pay', 'pay: Tool call execution denied.', `assistant: ${stopped}`],
  },
  {
    name: 'approved',
    script: { [first]: [end(think, call('pay')), end(think, say)] },
    async enter(stage) {
      await untilAsked(stage)
      await stage.ends(await stage.answer('pay', { approved: true }))
    },
    told: [user, 'assistant: (thought) calls pay', 'pay: paid', 'assistant: (thought) Day one. '],
  },
  {
    name: 'approved, then stopped while the tool runs',
    script: { [first]: [end(think, call('book'))] },
    async enter(stage) {
      await untilAsked(stage)
      const run = await stage.answer('book', { approved: true })
      await run.started
      await stage.shows('tool-book', 'approval-responded')
      await stage.stop(run)
    },
    told: [user, 'assistant: (thought) calls book', 'book: cancelled', `assistant: ${stopped}`],
  },
  {
    name: 'failed before the first token',
    script: { [first]: ['fail'] },
    enter: async (stage) => stage.ends(await stage.send(first), 'error'),
    told: [user, `assistant: ${failed}`],
  },
  {
    name: 'failed in the text',
    script: { [first]: [broken(think, say)] },
    enter: async (stage) => stage.ends(await stage.send(first), 'error'),
    told: [user, `assistant: (own thought) Day one. ${failed}`],
  },
  {
    name: 'failed in the text, and asked again in the same run',
    script: { [first]: [broken(think, say)], '[Continue.]': [end(think, { say: 'Day two.' })], retry: [] },
    enter: async (stage) => stage.ends(await stage.send(first)),
    told: [user, 'assistant: (thought) Day one. \n\nDay two.'],
  },
  {
    name: 'another answer has not begun',
    script: { [first]: [hold()] },
    async enter(stage) {
      await stage.send(first)
      await stage.holds()
    },
    told: [user, `assistant: ${goesOn}`],
  },
  {
    name: 'another answer is being written',
    script: { [first]: [hold(say)] },
    async enter(stage) {
      await stage.send(first)
      await stage.isHeard('Day one. ')
    },
    told: [user, `assistant: Day one. ${goesOn}`],
  },
  {
    name: 'steered',
    script: { [first]: [end(think, call('hotels')), end(think, say)], Cheaper: [end(think, { say: 'A hostel.' })] },
    async enter(stage) {
      const run = await stage.send(first)
      await stage.shows('tool-hotels', 'input-available')
      await stage.steer(run, 'Cheaper')
      stage.openGate()
      await stage.ends(run)
    },
    told: [user, 'assistant: (thought) calls hotels', 'hotels: two', 'assistant: (thought) Day one. ', 'user: Cheaper', 'assistant: (thought) A hostel.'], // prettier-ignore
  },
  {
    name: 'steered, and stopped before the model has read it',
    script: { [first]: [hold(think, say)] },
    async enter(stage, provider) {
      const run = await stage.send(first)
      await inText(stage, provider)
      await stage.steer(run, 'Cheaper')
      await stage.stop(run)
    },
    told: [user, `assistant: (own thought) Day one. ${stopped}`, 'user: Cheaper', `assistant: ${stopped}`],
  },
  {
    name: 'edited after a Stop',
    script: { [first]: [hold(think, say)], 'Plan a weekend': [end(think, say)] },
    async enter(stage, provider) {
      const run = await stage.send(first)
      await inText(stage, provider)
      await stage.stop(run)
      await stage.ends(await stage.session.view.edit(run.inputId, 'Plan a weekend'))
    },
    told: ['user: Plan a weekend', 'assistant: (thought) Day one. '],
  },
  {
    name: 'regenerated after a Stop',
    script: { [first]: [hold(think, say), end(think, { say: 'Day two.' })] },
    async enter(stage, provider) {
      const run = await stage.send(first)
      await inText(stage, provider)
      await stage.stop(run)
      await stage.ends(await stage.session.view.regenerate(stage.session.view.getMessages().at(-1)!.id))
    },
    told: [user, 'assistant: (thought) Day two.'],
  },
  {
    name: 'regenerated, and stopped again',
    script: { [first]: [hold(think, say), hold(think, { say: 'Day two. ' })] },
    async enter(stage, provider) {
      const run = await stage.send(first)
      await inText(stage, provider)
      await stage.stop(run)
      const again = await stage.session.view.regenerate(stage.session.view.getMessages().at(-1)!.id)
      await stage.shows('text', undefined, (part) => part.type === 'text' && part.text === 'Day two. ')
      await stage.stop(again)
    },
    told: [user, `assistant: (own thought) Day two. ${stopped}`],
  },
  {
    name: 'asked to go on after a Stop',
    script: { [first]: [hold(think, say)], 'Go on': [end(think, { say: 'Day two.' })] },
    async enter(stage, provider) {
      await stopAt(inText)(stage, provider)
      await stage.ends(await stage.send('Go on'))
    },
    told: [user, `assistant: (own thought) Day one. ${stopped}`, 'user: Go on', 'assistant: (thought) Day two.'],
  },
  {
    name: 'several steps',
    script: { [first]: [end(think, call('clock')), end(think, say, call('clock')), end(think, { say: 'Day two.' })] },
    enter: async (stage) => stage.ends(await stage.send(first)),
    told: [user, 'assistant: (thought) calls clock', 'clock: noon', 'assistant: (thought) Day one. calls clock', 'clock: noon', 'assistant: (thought) Day two.'], // prettier-ignore
  },
  {
    name: 'stopped in the text of the third step',
    script: { [first]: [end(think, call('clock')), end(think, say, call('clock')), hold(think, { say: 'Day two. ' })] },
    enter: stopAt((stage) =>
      stage.shows('text', undefined, (part) => part.type === 'text' && part.text === 'Day two. '),
    ),
    told: [user, 'assistant: (thought) calls clock', 'clock: noon', 'assistant: (thought) Day one. calls clock', 'clock: noon', `assistant: (own thought) Day two. ${stopped}`], // prettier-ignore
  },
  {
    name: 'ended by its limit of steps, after an output',
    script: { [first]: [end(think, call('clock'))] },
    enter: async (stage) => stage.ends(await stage.send(first)),
    told: [user, ...Array.from({ length: 3 }, () => ['assistant: (thought) calls clock', 'clock: noon']).flat(), 'assistant: [This answer ended here.]'], // prettier-ignore
  },
]
