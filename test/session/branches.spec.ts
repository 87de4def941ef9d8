import { afterEach, describe, expect, it, vi } from 'vitest'
import { dehydrateSession } from '../../src'
import type { ChannelMessage } from '../../src/core/wire'
import { Listener } from '../support/listener'
import { output, prompt, runMessage } from '../core/wire'

afterEach(() => void vi.unstubAllGlobals())

const start = (run: string, parent: string, more: Record<string, string> = {}) =>
  runMessage('ai-run-start', run, { 'invocation-id': `${run}-1`, 'input-codec-message-id': parent, parent, ...more })
const text = (run: string, id: string) =>
  output(run, { kind: 'text' }, id, { 'codec-message-id': id, 'invocation-id': `${run}-1` })
const end = (run: string) => runMessage('ai-run-end', run)
const turn = (id: string, parent?: string): ChannelMessage[] => [
  prompt(id, { ...(parent !== undefined && { parent }) }),
  start(`run-${id}`, id),
  text(`run-${id}`, `re-${id}`),
  end(`run-${id}`),
]
const edit = (id: string, forkOf: string, parent?: string) =>
  prompt(id, { 'fork-of': forkOf, ...(parent !== undefined && { parent }) })
const regenerated = (run: string, parent: string, target: string, carrier = `c-${run}`): ChannelMessage[] => [
  start(run, parent, { 'msg-regenerate': target, 'input-codec-message-id': carrier }),
  text(run, `re-${run}`),
]
/** Messages of the local channel sort before all others; these sort even before those. */
const earlier = (messages: readonly ChannelMessage[]): ChannelMessage[] =>
  JSON.parse(JSON.stringify(messages).replaceAll('"s0', '"000')) as ChannelMessage[]

describe('an edit by another client', () => {
  it('does not move a view that shows the prompt when the edit arrives', async () => {
    const client = await Listener.on()
    client.hear([...turn('p'), edit('q', 'p')])
    expect(client.shown()).toEqual(['p', 're-p'])
    expect(client.view.branch('p')).toMatchObject({ index: 0, hasSiblings: true })
    client.hear([edit('q2', 'q'), start('run-q', 'q'), text('run-q', 're-q')])
    expect(client.shown()).toEqual(['p', 're-p'])
    expect(client.shown(client.session.createView())).toEqual(['q2'])
  })

  it('shows if it comes from history, or is in a branch that is not on screen', async () => {
    const past = [...turn('p'), edit('q', 'p'), start('run-q', 'q'), text('run-q', 're-q')]
    const client = await Listener.on(past.toReversed())
    await client.readBack()
    expect(client.shown()).toEqual(['q', 're-q'])
    client.hear([prompt('hidden', { parent: 're-p' }), edit('hidden-2', 'hidden', 're-p')])
    client.view.branch('p').select(0)
    expect(client.shown()).toEqual(['p', 're-p', 'hidden-2'])
  })

  it('selects a branch when it arrives, not when the next frame is drawn', async () => {
    const frames: FrameRequestCallback[] = []
    vi.stubGlobal('requestAnimationFrame', (frame: FrameRequestCallback) => frames.push(frame))
    vi.stubGlobal('cancelAnimationFrame', () => {})
    vi.stubGlobal('document', { visibilityState: 'visible', addEventListener() {}, removeEventListener() {} })
    const client = await Listener.on([], 100, 'frame')
    client.hear([...turn('p'), edit('q', 'p')])
    for (const frame of frames) frame(0)
    expect(client.shown()).toEqual(['p', 're-p'])
  })

  it('leaves the visible version selected, even if another version was edited', async () => {
    const client = await Listener.on()
    client.hear(turn('p'))
    const late = client.session.createView()
    client.hear([edit('q', 'p')])
    late.branch('q').select(1)
    client.hear([edit('r', 'p')])
    expect(client.shown(late)).toEqual(['q'])
    expect(client.shown()).toEqual(['p', 're-p'])
  })

  it('is no reason to keep the visible version, when it was there before and is only cancelled', async () => {
    const client = await Listener.on([...turn('p'), edit('q', 'p'), edit('r', 'p')].toReversed())
    await client.readBack()
    expect(client.shown()).toEqual(['r'])
    client.hear([runMessage('ai-cancel', undefined, { 'input-codec-message-id': 'q' })])
    expect(client.shown()).toEqual(['r'])
    expect(dehydrateSession(client.session).picked).toEqual([])
  })

  it('does not hold back a view whose newest version the user selected: it follows newer ones (17.14)', async () => {
    const client = await Listener.on()
    client.hear([prompt('a'), ...turn('p', 'a')])
    client.hear([...regenerated('r2', 'p', 're-p')])
    client.view.branch('re-p').select(0)
    client.hear(regenerated('r3', 'p', 're-p'))
    expect(client.shown()).toEqual(['a', 'p', 're-p'])
    client.view.branch('re-p').select(2)
    client.hear(regenerated('r4', 'p', 're-p'))
    expect(client.shown()).toEqual(['a', 'p', 're-r4'])
  })
})

it('a view moves to a reply that another client regenerated', async () => {
  const client = await Listener.on()
  client.hear([...turn('p'), ...regenerated('r2', 'p', 're-p')])
  expect(client.shown()).toEqual(['p', 're-r2'])
  expect(client.view.runs().map(({ runId }) => runId)).toEqual(['r2'])
  expect(client.view.runOf('p')?.runId).toBe('r2')
})

describe('an own edit or regenerated reply', () => {
  it('an edit shows at once, in this view only', async () => {
    const client = await Listener.on()
    const other = client.session.createView()
    client.hear(earlier(turn('p')))
    const sent = client.view.edit('p', 'Say that again')
    expect(client.shown()).toHaveLength(1)
    expect(client.shown()).not.toContain('p')
    await sent
    expect(client.shown(other)).toEqual(['p', 're-p'])
    expect(client.shown()).not.toContain('p')
  })

  it('a regenerated reply shows as soon as its run appears, even if an older one was selected', async () => {
    const client = await Listener.on()
    client.hear(earlier([...turn('p'), ...regenerated('r2', 'p', 're-p')]))
    client.view.branch('re-p').select(0)
    const { inputId } = await client.view.regenerate('re-p')
    expect(client.shown()).toEqual(['p', 're-p'])
    client.hear(regenerated('mine', 'p', 're-p', inputId))
    expect(client.shown()).toEqual(['p', 're-mine'])
    client.hear(regenerated('theirs', 'p', 're-p'))
    expect(client.shown()).toEqual(['p', 're-theirs'])
  })
})

describe('a regenerated message inside a run', () => {
  const long = [prompt('p'), start('r', 'p'), ...['m1', 'm2', 'm3'].map((id) => text('r', id)), end('r')]
  const inner = regenerated('r2', 'm1', 'm2')

  it('replaces the rest of that run and the messages below it (17.13)', async () => {
    const client = await Listener.on()
    client.hear([...long, prompt('under', { parent: 'm3' }), start('ru', 'under'), prompt('stays', { parent: 'm1' })])
    client.hear(inner)
    expect(client.shown()).toEqual(['p', 'm1', 're-r2', 'stays'])
    expect(client.view.runs().map(({ runId }) => runId)).toEqual(['r', 'r2'])
    for (const id of ['m2', 're-r2']) expect(client.view.branch(id)).toMatchObject({ index: 1, hasSiblings: true })
    for (const id of ['m1', 'm3', 'p']) expect(client.view.branch(id)).toMatchObject({ index: 0, hasSiblings: false })
    client.view.branch('m2').select(0)
    expect(client.shown()).toEqual(['p', 'm1', 'm2', 'm3', 'under', 'stays'])
    expect(client.view.runs().map(({ runId }) => runId)).toEqual(['r', 'ru'])
  })

  it('can itself have a message replaced', async () => {
    const client = await Listener.on()
    client.hear([
      ...long,
      ...inner,
      text('r2', 'n2'),
      ...regenerated('r3', 're-r2', 'n2'),
      prompt('next', { parent: 're-r3' }),
    ])
    expect(client.shown()).toEqual(['p', 'm1', 're-r2', 're-r3', 'next'])
    client.view.branch('n2').select(0)
    expect(client.shown()).toEqual(['p', 'm1', 're-r2', 'n2'])
    client.view.branch('m2').select(0)
    expect(client.shown()).toEqual(['p', 'm1', 'm2', 'm3'])
  })

  it('shows right behind the message it follows, however far back the view reaches', async () => {
    const past = [...long, prompt('q', { parent: 'm1' }), ...inner]
    const client = await Listener.on(past.toReversed(), 2)
    const shown: string[][] = []
    while (client.view.hasOlder()) {
      await client.view.loadOlder(1)
      shown.push(client.shown())
    }
    expect(shown.at(-1)).toEqual(['p', 'm1', 're-r2', 'q'])
    expect(client.view.getMessages()).toHaveLength(4)
  })
})

it('branch() of a message without alternatives lists the message alone, of an unknown one nothing', async () => {
  const client = await Listener.on()
  client.hear(turn('p'))
  expect(client.view.branch('p')).toMatchObject({ index: 0, hasSiblings: false, siblings: [{ id: 'p' }] })
  expect(client.view.branch('unknown')).toMatchObject({ index: -1, hasSiblings: false, siblings: [] })
})

it('a selected version stays selected when history shows that it belongs to another group of versions', async () => {
  const [first, second, third] = [prompt('a'), edit('b', 'a'), edit('c', 'b')]
  const client = await Listener.on([first])
  client.hear([third, second])
  expect(client.shown()).toEqual(['c'])
  client.view.branch('c').select(0)
  expect(client.shown()).toEqual(['b'])
  await client.readBack()
  expect(client.shown()).toEqual(['b'])
  expect(client.view.branch('a')).toMatchObject({ index: 1 })
})

it('a choice that is made again is dehydrated as the last one', async () => {
  const client = await Listener.on()
  client.hear([...turn('p'), edit('q', 'p'), ...turn('a', 're-p'), edit('b', 'a', 're-p')])
  client.view.branch('p').select(0)
  client.view.branch('a').select(0)
  expect(dehydrateSession(client.session).picked).toEqual(['p', 'a'])
  client.view.branch('p').select(0)
  expect(dehydrateSession(client.session).picked).toEqual(['a', 'p'])
})
