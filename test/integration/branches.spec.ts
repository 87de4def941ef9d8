import type { UIMessage } from 'ai'
import { describe, expect, it } from 'vitest'
import type { ClientSession } from '../../src'
import { joinWire, transportOf } from '../support/agent'
import { startConversation } from '../support/conversation'
import { eventually } from '../support/eventually'
import { openSession } from '../support/open-session'
import { textOf } from '../support/scene'

/** alice writes, bob watches. */
async function twoDevices(name: string) {
  const scene = await startConversation(`ai:${name}`)
  const alice = await openSession(scene, 'alice')
  const bob = await openSession(scene, 'bob')
  const wire = await joinWire(scene.endpoint.client({ clientId: 'watcher' }), `ai:${name}`)
  let runs = 0
  /** Answers a prompt in one message, or in several. */
  const answer = async (inputId: string, ...texts: string[]) => {
    const run = await scene.agent.startRun(`run-${++runs}`, inputId)
    for (const text of texts) await run.say(text.toLowerCase(), text)
    await run.end()
    return run
  }
  /** Answers a regenerate as agents do: the run repeats the position that it names. */
  const answerAgain = async (inputId: string, text: string) => {
    const request = transportOf(await wire.hears((message) => transportOf(message)['codec-message-id'] === inputId))
    const run = await scene.agent.startRegeneration(
      `run-${++runs}`,
      inputId,
      request.parent!,
      request['msg-regenerate']!,
    )
    await run.say(text.toLowerCase(), text)
    await run.end()
    return request
  }
  return { ...scene, scene, alice, bob, wire, answer, answerAgain }
}

const texts = ({ view }: ClientSession<UIMessage>): string =>
  view
    .getMessages()
    .map(({ message }) => textOf(message))
    .join(' ')

const shows = (session: ClientSession<UIMessage>, expected: string) =>
  eventually(() => expect(texts(session)).toBe(expected))

const branch = ({ view }: ClientSession<UIMessage>, id: string): string => {
  const { siblings, index } = view.branch(id)
  return siblings.map(({ message }, at) => (at === index ? `[${textOf(message)}]` : textOf(message))).join(' ')
}

describe('an edit', () => {
  it('shows at once on its own device, moves no other device, and shows on new devices', async () => {
    const { scene, alice, bob, answer } = await twoDevices('edit')
    const first = await alice.view.send('V1')
    await answer(first.inputId, 'R1')
    for (const session of [alice, bob]) await shows(session, 'V1 R1')

    const sending = alice.view.edit(first.inputId, 'V2')
    expect(texts(alice)).toBe('V2')
    const second = await sending
    await answer(second.inputId, 'R2')
    await shows(alice, 'V2 R2')
    await eventually(() => expect(branch(bob, first.inputId)).toBe('[V1] V2'))
    expect(texts(bob)).toBe('V1 R1')
    const newcomer = await openSession(scene, 'carol')
    await newcomer.view.loadOlder(30)
    expect(texts(newcomer)).toBe('V2 R2')

    bob.view.select(first.inputId, 1)
    expect(texts(bob)).toBe('V2 R2')
  })

  it('of an edit names that edit, and all versions are siblings', async () => {
    const { alice, bob, wire, answer } = await twoDevices('edit-of-edit')
    const before = await alice.view.send('Hi')
    await answer(before.inputId, 'Hello')
    await shows(alice, 'Hi Hello')
    const first = await alice.view.send('V1')
    const second = await alice.view.edit(first.inputId, 'V2')
    const third = await alice.view.edit(second.inputId, 'V3')
    await answer(third.inputId, 'R3')
    await shows(alice, 'Hi Hello V3 R3')
    const message = await wire.hears(({ data }) => data === 'V3')
    expect(transportOf(message)).toMatchObject({ 'fork-of': second.inputId, parent: 'hello' })
    for (const id of [first.inputId, second.inputId, third.inputId]) expect(branch(alice, id)).toBe('V1 V2 [V3]')
    alice.view.select(third.inputId, 0)
    expect(texts(alice)).toBe('Hi Hello V1')
    await shows(bob, 'Hi Hello V1')
    await expect(alice.view.edit('hello', 'x')).rejects.toMatchObject({ code: 40003 })
    await expect(alice.view.edit('nothing', 'x')).rejects.toMatchObject({ code: 40003 })
  })
})

describe('a regeneration', () => {
  it('shows as soon as its run starts, on other devices too unless an older reply is selected there', async () => {
    const { scene, alice, bob, answer, answerAgain } = await twoDevices('again')
    const dave = await openSession(scene, 'dave')
    const prompt = await alice.view.send('Q')
    await answer(prompt.inputId, 'R1')
    for (const session of [alice, bob, dave]) await shows(session, 'Q R1')
    const again = await alice.view.regenerate('r1')
    expect(texts(alice)).toBe('Q R1')
    const started = again.started.then(() => texts(alice))
    await answerAgain(again.inputId, 'R2')
    // No message of the old reply shows once the new run has started
    expect(await started).toBe('Q')
    for (const session of [alice, bob, dave]) await shows(session, 'Q R2')
    expect(again.messages.map(({ id }) => id)).toEqual(['r2'])

    dave.view.select('r2', 0)
    const third = await alice.view.regenerate('r2')
    const request = await answerAgain(third.inputId, 'R3')
    expect(request).toMatchObject({ 'msg-regenerate': 'r1', parent: prompt.inputId, role: 'user' })
    for (const session of [alice, bob]) await shows(session, 'Q R3')
    await eventually(() => expect(branch(dave, 'r1')).toBe('[R1] R2 R3'))
    expect(texts(dave)).toBe('Q R1')
  })

  it('inside a run replaces the rest of it, and the old version can be selected', async () => {
    const { alice, bob, answer, answerAgain } = await twoDevices('inner')
    const prompt = await alice.view.send('Q')
    await answer(prompt.inputId, 'One', 'Two', 'Three')
    for (const session of [alice, bob]) await shows(session, 'Q One Two Three')
    const again = await alice.view.regenerate('two')
    expect(await answerAgain(again.inputId, 'Zwei')).toMatchObject({ 'msg-regenerate': 'two', parent: 'one' })
    for (const session of [alice, bob]) await shows(session, 'Q One Zwei')
    expect(branch(alice, 'zwei')).toBe('Two [Zwei]')
    const third = await alice.view.regenerate('zwei')
    expect(await answerAgain(third.inputId, 'Deux')).toMatchObject({ 'msg-regenerate': 'two', parent: 'one' })
    await shows(alice, 'Q One Deux')
    expect(branch(alice, 'two')).toBe('Two Zwei [Deux]')
    alice.view.select('deux', 0)
    expect(texts(alice)).toBe('Q One Two Three')
  })

  it('replaces the one of two concurrent replies that it names', async () => {
    const { alice, answer, answerAgain } = await twoDevices('beside')
    const [first, second] = [await alice.view.send('Q1'), await alice.view.send('Q2')]
    await answer(first.inputId, 'R1')
    await answer(second.inputId, 'R2')
    await shows(alice, 'Q1 Q2 R1 R2')
    const again = await alice.view.regenerate('r1')
    expect(await answerAgain(again.inputId, 'R3')).toMatchObject({ parent: first.inputId })
    await shows(alice, 'Q1 Q2 R2 R3')
    expect(branch(alice, 'r3')).toBe('R1 [R3]')
  })

  it('is refused for prompts, steers and unknown messages', async () => {
    const { alice, agent } = await twoDevices('refused')
    const prompt = await alice.view.send('Q')
    const run = await agent.startRun('run-1', prompt.inputId)
    await prompt.started
    await prompt.steer('cheaper').published
    await run.say('r1', 'R1')
    await shows(alice, 'Q cheaper R1')
    const [, steer] = alice.view.getMessages()
    for (const id of [prompt.inputId, steer!.id, 'nothing']) {
      await expect(alice.view.regenerate(id)).rejects.toMatchObject({ code: 40003 })
      await expect(alice.view.edit(id === prompt.inputId ? 'r1' : id, 'x')).rejects.toMatchObject({ code: 40003 })
    }
  })
})
