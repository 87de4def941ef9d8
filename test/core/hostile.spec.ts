import { describe, expect, it } from 'vitest'
import { Siblings } from '../../src/core/siblings'
import type { ChannelMessage } from '../../src/core/wire'
import { hear, newTree, stateOf } from '../support/transcripts'
import { message, nextSerial as serial, output, prompt, runMessage } from './wire'

const ids = (messages: readonly ChannelMessage[]): string[] => {
  const tree = newTree()
  hear(tree, messages)
  return stateOf(tree).messages.map(({ codecMessageId }) => codecMessageId)
}

const odd: unknown[] = [
  undefined,
  null,
  0,
  'x',
  [],
  {},
  { ai: null },
  { ai: [] },
  { ai: { transport: 3 } },
  { ai: { transport: { role: 7 } } },
]

it('the tree ignores messages that are malformed in any place', () => {
  const names = [
    'ai-input',
    'ai-output',
    'ai-run-start',
    'ai-run-end',
    'ai-step-start',
    'ai-step-end',
    'ai-cancel',
    'ai-later',
  ]
  const actions = ['message.create', 'message.append', 'message.update', 'message.delete', 'message.summary', undefined]
  const tree = newTree()
  for (const name of names) {
    for (const action of actions) {
      for (const extras of odd) {
        for (const data of odd) {
          expect(() => {
            tree.apply({ name, action, extras, data, serial: serial() })
            tree.apply({ name, action, extras, data })
          }).not.toThrow()
        }
      }
    }
  }
  expect(stateOf(tree)).toEqual({ messages: [], runs: [] })
})

describe('a version of a known message that history would not give as a row', () => {
  const first = prompt('p')
  const envelopes = odd.slice(1, -1).map((extras) => ({ extras }))
  const names = ['ai-later', 'note', ''].map((name) => ({ name }))

  it.each(['message.append', 'message.update'])(
    'is treated as deleted (%s), until a later one can be read',
    (action) => {
      for (const change of [...envelopes, ...names]) {
        const tree = newTree()
        hear(tree, [first, { ...first, ...change, action, data: { a: 1 }, version: { serial: serial() } }])
        expect(stateOf(tree).messages).toEqual([])
        hear(tree, [{ ...first, action: 'message.update', version: { serial: serial() } }])
        expect(stateOf(tree).messages).toHaveLength(1)
      }
    },
  )

  it('changes nothing if it is older', () => {
    const tree = newTree()
    hear(tree, [{ ...first, version: { serial: serial() } }])
    for (const change of [...envelopes, ...names]) hear(tree, [{ ...first, ...change, action: 'message.update' }])
    expect(stateOf(tree).messages).toHaveLength(1)
  })
})

it.each(['message.summary', 'message.meta', 'unknown'])(
  'a message that is no version (%s) changes no row',
  (action) => {
    const [said, streamed] = [prompt('p'), prompt('q')]
    const about = ({ name, serial: of }: ChannelMessage) => ({
      name,
      serial: of,
      action,
      version: { serial: serial() },
    })
    const tree = newTree()
    hear(tree, [said, { ...streamed, action: 'message.append' }, about(said), about(streamed)])
    expect(stateOf(tree).messages).toHaveLength(2)
    hear(tree, [{ ...said, ...about(said) }])
    expect(tree.log.get(said.serial!)!.version).toBe(said.serial)
  },
)

describe('a message that gets another name', () => {
  const agents = { isAgent: (id: string | undefined) => id === 'agent' }
  const run = [
    prompt('p'),
    runMessage('ai-run-start', 'R', { 'invocation-id': 'R-1', 'input-codec-message-id': 'p', parent: 'p' }),
  ].map((each) => ({ ...each, clientId: each.name === 'ai-input' ? 'alice' : 'agent' }))
  const cancel = { ...runMessage('ai-cancel', 'R', { 'event-id': 'e' }), clientId: 'alice' }
  const request = { ...message('ai-cancel', { 'input-codec-message-id': 'q', 'event-id': 'e' }), clientId: 'alice' }
  const second = { ...prompt('q', { parent: 'p' }), clientId: 'alice' }
  const renamed = (of: ChannelMessage, name: string, action: string): ChannelMessage => ({
    ...of,
    name,
    action,
    data: '',
    version: { serial: serial() },
  })

  it.each(
    [cancel, request, second].flatMap((of) =>
      ['message.update', 'message.append'].flatMap((action) =>
        ['ai-step-start', 'ai-later', 'ai-input', 'ai-cancel'].map((name) => [of.name, name, action, of] as const),
      ),
    ),
  )('is what history gives: %s becomes %s by a %s', (_, name, action, of) => {
    const last = renamed(of, name, action)
    const [live, late] = [newTree(agents), newTree(agents)]
    hear(live, [...run, second, of, last])
    const data = action === 'message.append' ? of.data : last.data
    hear(late, [...run, ...(of === second ? [] : [second]), { ...last, action: 'message.update', data }])
    const cancelsOf = (tree: typeof live) => [tree.runs.get('R')!, tree.inputs.get('q')].map((node) => (node ? tree.cancels.of(node).length : 0)) // prettier-ignore
    expect(cancelsOf(live)).toEqual(cancelsOf(late))
    expect(stateOf(live)).toEqual(stateOf(late))
  })
})

it.each([
  ['unreadable headers', { extras: { ai: 'broken' } }],
  ['the name of an unknown message', { name: 'ai-later' }],
])('an append with %s hides a reply until the next one, and no text is lost', (_, odd) => {
  const said = output('R', { kind: 'text' }, 'Good ', { stream: 'true', status: 'streaming' })
  const append = (data: string, more: object = {}): ChannelMessage => ({
    ...said,
    name: undefined,
    action: 'message.append',
    data,
    version: { serial: serial() },
    ...more,
  })
  const start = runMessage('ai-run-start', 'R', { 'invocation-id': 'i' })
  const live = newTree()
  hear(live, [start, said, append('morning, ', odd)])
  expect(stateOf(live).messages).toEqual([])
  const last = append('Vietnam')
  hear(live, [last])
  const late = newTree()
  hear(late, [start, { ...last, name: said.name, action: 'message.update', data: 'Good morning, Vietnam' }])
  expect(JSON.stringify(stateOf(late).messages)).toContain('Good morning, Vietnam')
  expect(stateOf(live)).toEqual(stateOf(late))
})

it('a prompt takes the headers of its newest version, also of one that was appended', () => {
  const open = prompt('p', { stream: 'true', status: 'streaming', parent: 'a' })
  const moved = prompt('p', { stream: 'true', status: 'streaming', parent: 'b' })
  const append = { ...moved, serial: open.serial, action: 'message.append', version: { serial: serial() } }
  const tree = newTree()
  hear(tree, [prompt('a'), prompt('b', { 'fork-of': 'a' }), open, append])
  expect(tree.inputs.get('p')?.parent).toBe('b')
})

it('the tree ignores a message with too many or too long headers', () => {
  const many = Object.fromEntries(Array.from({ length: 201 }, (_, index) => [`h${index}`, 'x']))
  expect(ids([prompt('many', many), prompt('long', { note: 'x'.repeat(16_400) }), prompt('fine')])).toEqual(['fine'])
})

it('the tree drops headers that are not strings and keeps the rest', () => {
  expect(ids([prompt('kept', { 'fork-of': 3, parent: { a: 1 } })])).toEqual(['kept'])
})

it('the tree treats names of object properties as plain ids', () => {
  const names = ['__proto__', 'constructor', 'hasOwnProperty', 'toString']
  expect(ids(names.map((name) => prompt(name)))).toEqual(names)
  const kinds = names.map((kind) =>
    message('ai-output', { 'run-id': 'r', 'codec-message-id': 'm', role: 'assistant' }, { kind }),
  )
  expect(ids(kinds)).toEqual([])
  const metadata = message(
    'ai-output',
    { 'run-id': 'r', 'codec-message-id': 'm' },
    { kind: 'start', messageMetadata: '{"__proto__":{"evil":1}}' },
  )
  ids([metadata, metadata])
  expect(({} as { evil?: number }).evil).toBeUndefined()
})

it('prompts that follow each other in a circle are hidden, and all other messages show', () => {
  expect(
    ids([prompt('a', { parent: 'b' }), prompt('b', { parent: 'a' }), prompt('own', { parent: 'own' }), prompt('fine')]),
  ).toEqual(['fine'])
})

it('edits that replace each other in a circle are versions of one prompt', () => {
  expect(ids([prompt('a', { 'fork-of': 'b' }), prompt('b', { 'fork-of': 'a' })])).toHaveLength(1)
})

it('the tree walks a chain of 10,000 prompts', () => {
  const chain = Array.from({ length: 10_000 }, (_, index) =>
    prompt(`p${index}`, index > 0 ? { parent: `p${index - 1}` } : {}),
  )
  const tree = newTree()
  for (const link of chain.toReversed()) tree.apply(link)
  expect(stateOf(tree).messages).toHaveLength(10_000)
})

it('a run is hidden while only its end, a suspend or a cancel is known', () => {
  const tree = newTree()
  hear(tree, [
    message('ai-run-end', { 'run-id': 'ghost', 'run-reason': 'complete' }),
    message('ai-cancel', { 'run-id': 'ghost-2', 'event-id': 'e' }),
    message('ai-output', { 'run-id': 'ghost-3', 'codec-message-id': 'm' }, { kind: 'hologram' }),
  ])
  expect(stateOf(tree)).toEqual({ messages: [], runs: [] })
})

describe('thousands of unknown runs', () => {
  const ghost = (index: number): ChannelMessage => message('ai-run-end', { 'run-id': `ghost-${index}` })
  const ghosts = (count: number): ChannelMessage[] => Array.from({ length: count }, (_, index) => ghost(index))

  it.each([
    ['at once', 5000],
    ['one by one', 1],
  ])('all but the newest are forgotten if they arrive %s', (_, perSettle) => {
    const tree = newTree()
    hear(tree, [prompt('kept')])
    ghosts(5000).forEach((each, index) => {
      tree.apply(each)
      if ((index + 1) % perSettle === 0) tree.settle()
    })
    expect(tree.runs.size).toBe(1000)
    expect(tree.nodes()).toHaveLength(1001)
    expect(tree.children(undefined)).toHaveLength(1001)
    expect([...tree.log.rows()]).toHaveLength(1001)
    expect(tree.runs.has('ghost-4999')).toBe(true)
    expect(tree.settle()).toEqual({ structure: false, moved: [], changed: [], transitions: [] })
  })

  it('forgotten runs leave nothing behind', () => {
    const tree = newTree()
    const claim = message('ai-input', { 'run-id': 'ghost', 'codec-message-id': 'm' }, { kind: 'tool-result' })
    const ofInput = { 'invocation-id': 'i', 'input-codec-message-id': 'p' }
    hear(tree, [
      claim,
      message('ai-output', { 'run-id': 'ghost', stream: 'true', status: 'streaming' }, { kind: 'text' }),
      message('ai-run-end', { 'run-id': 'ghost', ...ofInput }),
    ])
    const known = () => [tree.nodeOf('m'), ...tree.runsOf('p'), ...tree.nodes()].map((node) => node?.key)
    expect(known()).toEqual(['ghost', 'ghost', 'ghost'])
    expect(tree.oldestOpen()).toBeDefined()
    for (const each of ghosts(1000)) tree.apply(each)
    tree.settle()
    expect(known()).toHaveLength(1001)
    expect(known()).not.toContain('ghost')
    expect(tree.oldestOpen()).toBeUndefined()
    expect(tree.ending.size).toBe(0)
    expect(tree.runs.has('ghost')).toBe(false)
  })

  it('unknown runs do not displace a run whose start arrives with them', () => {
    const tree = newTree()
    hear(tree, [message('ai-run-resume', { 'run-id': 'ghost--1' })])
    for (const each of ghosts(1500)) tree.apply(each)
    tree.apply(message('ai-run-start', { 'run-id': 'ghost--1', 'invocation-id': 'i' }))
    tree.settle()
    expect(stateOf(tree).runs).toMatchObject([{ runId: 'ghost--1', status: 'active' }])
    expect(tree.runs.size).toBe(1001)
  })

  it('cancels of unknown runs create none, so that they displace no run whose start is read after them', () => {
    const tree = newTree()
    const cancelled = Array.from({ length: 1500 }, (_, index) => runMessage('ai-cancel', `ghost-${index}`, { 'event-id': 'e' })) // prettier-ignore
    const [start, end] = [
      runMessage('ai-run-start', 'R', { 'invocation-id': 'i' }),
      runMessage('ai-run-end', 'R', { 'run-reason': 'complete' }),
    ]
    for (const page of [[end], cancelled, [start]]) hear(tree, page)
    expect(stateOf(tree).runs).toMatchObject([{ runId: 'R', status: 'complete' }])
    expect(tree.runs.size).toBe(1)
  })
})

const reply = (run: string, id: string, more: Record<string, unknown> = {}): ChannelMessage[] => [
  runMessage('ai-run-start', run, { 'invocation-id': run, ...more }),
  output(run, { kind: 'text' }, id, { 'codec-message-id': id }),
]

it('replies that stand inside each other are hidden, and all other messages show', () => {
  const inside = (run: string, other: string) => [
    ...reply(run, `${run}-1`, { parent: `${other}-1`, 'msg-regenerate': `${other}-2` }),
    output(run, { kind: 'text' }, '', { 'codec-message-id': `${run}-2` }),
  ]
  expect(ids([...inside('a', 'b'), ...inside('b', 'a'), ...inside('own', 'own'), prompt('fine')])).toEqual(['fine'])
})

it('the tree walks 10,000 replies, each inside the one before', () => {
  const tree = newTree()
  for (let index = 0; index < 10_000; index++) {
    const more = index > 0 ? { parent: `m${index - 1}`, 'msg-regenerate': `n${index - 1}` } : {}
    for (const each of reply(`r${index}`, `m${index}`, more)) tree.apply(each)
    tree.apply(output(`r${index}`, { kind: 'text' }, '', { 'codec-message-id': `n${index}` }))
  }
  expect(stateOf(tree).messages).toHaveLength(10_001)
})

it('the tree follows 10,000 forks, each of which replaces the one before', () => {
  const tree = newTree()
  for (let index = 0; index < 10_000; index++) {
    const supersedes = `r${index - 1}`
    tree.apply(
      message(
        'ai-input',
        { role: 'assistant', 'codec-message-id': `f${index}`, supersedes },
        { kind: 'tool-result', toolCallId: 'c' },
        { output: 1, forkSeed: { messages: [{ codecMessageId: `f${index}`, message: { parts: [] } }] } },
      ),
    )
    tree.apply(runMessage('ai-run-start', `r${index}`, { 'invocation-id': 'i', 'input-codec-message-id': `f${index}` }))
  }
  expect(stateOf(tree).messages.map(({ codecMessageId }) => codecMessageId)).toEqual(['f9999'])
  expect(new Siblings(tree).at('f0')).toHaveLength(1)
})

it('the tree keeps a bounded number of cancels of unknown prompts', () => {
  const tree = newTree()
  const cancel = (id: string) => runMessage('ai-cancel', undefined, { 'input-codec-message-id': id, 'event-id': 'e' })
  hear(tree, [prompt('known'), cancel('known')])
  for (let index = 0; index < 5000; index++) tree.apply(cancel(`ghost-${index}`))
  expect([...tree.log.rows()].length).toBeLessThanOrEqual(2002)
  expect(tree.cancels.naming('known')).toHaveLength(1)
  expect(tree.cancels.naming('ghost-0')).toHaveLength(0)
  expect(tree.cancels.naming('ghost-4999')).toHaveLength(1)
  hear(tree, [prompt('ghost-4999'), ...Array.from({ length: 3000 }, (_, index) => cancel(`later-${index}`))])
  expect(tree.cancels.naming('ghost-4999')).toHaveLength(1)
})

it('cancels of unknown prompts by one client displace none by another', () => {
  const tree = newTree()
  const cancel = (id: string, clientId: string) => ({
    ...message('ai-cancel', { 'input-codec-message-id': id, 'event-id': 'e' }),
    clientId,
  })
  const asked = prompt('p')
  hear(tree, [cancel('p', 'alice')])
  for (let index = 0; index < 5000; index++) tree.apply(cancel(`ghost-${index}`, 'stranger'))
  hear(tree, [asked])
  expect(tree.cancels.ofInput('p').map(({ clientId }) => clientId)).toEqual(['alice'])
})

it('the tree does not confuse a run id with an equal message id', () => {
  expect(ids([prompt('x'), ...reply('x', 'x', { parent: 'x' }), ...reply('y', 'm', { parent: 'x' })])).toContain('x')
})
