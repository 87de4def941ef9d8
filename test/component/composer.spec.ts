import { effectScope } from 'vue'
import { expect, it, onTestFinished } from 'vitest'
import { useClientSession, useComposer, useView, type UseComposerOptions } from '../../src'
import { bareApp } from '../support/app'
import { eventually } from '../support/eventually'
import type { ModelCall } from '../support/hand-model'
import { startScene, textOf, type Scene } from '../support/scene'

/** A storage in memory, as several tabs of a browser share one. */
function makeStorage() {
  const items = new Map<string, string>()
  return {
    items,
    getItem: (key: string) => items.get(key) ?? null,
    setItem: (key: string, value: string) => void items.set(key, value),
    removeItem: (key: string) => void items.delete(key),
  }
}

/**
 * A storage as two processes of a browser share it: each has a copy of its own, which hears of the writes of the other
 * one when they are delivered. The last write of a key stays.
 */
function makeSharedStorage() {
  const shared = makeStorage()
  const copies: Map<string, string>[] = []
  const open = () => {
    const copy = new Map(shared.items)
    copies.push(copy)
    const setItem = (key: string, value: string) => [copy, shared.items].forEach((items) => items.set(key, value))
    const removeItem = (key: string) => [copy, shared.items].forEach((items) => items.delete(key))
    return { getItem: (key: string) => copy.get(key) ?? null, setItem, removeItem }
  }
  /** Delivers writes until no tab answers with others. */
  const deliver = (key: string): void => {
    const before = JSON.stringify([...shared.items])
    for (const copy of copies) {
      copy.clear()
      for (const [key, value] of shared.items) copy.set(key, value)
    }
    window.dispatchEvent(new StorageEvent('storage', { key }))
    if (JSON.stringify([...shared.items]) !== before) deliver(key)
  }
  return { open, deliver }
}

/** A tab with a composer. */
async function openTab(scene: Scene, options: UseComposerOptions = {}, clientId = 'alice') {
  const client = scene.endpoint.client({ clientId })
  const agent = { url: 'http://agent.test/', fetch: scene.fetch }
  const scope = effectScope()
  const tab = bareApp({ client, agent, linger: 0 }).runWithContext(() =>
    scope.run(() => {
      const session = useClientSession(scene.channelName)
      return { session, ready: session.ready, ...useView(), composer: useComposer(options) }
    }),
  )!
  await tab.ready
  const write = (text: string, ...how: Parameters<typeof tab.composer.send>) => {
    tab.composer.draft.value = text
    return tab.composer.send(...how)
  }
  const shown = () => tab.messages.value.map(({ message, state }) => `${state}: ${textOf(message)}`)
  const queued = () => tab.composer.queue.value.map(({ text }) => text)
  return { ...tab, write, shown, queued, close: () => scope.stop(), client }
}

/** Writes a complete reply. */
function answer(call: ModelCall, text: string): void {
  call.say(text)
  call.finish()
}

it('a prompt is sent at once if no run is active, and the draft is emptied', async () => {
  const scene = await startScene('composer')
  const { composer, write } = await openTab(scene, { whenBusy: 'queue' })
  expect(composer.next.value).toEqual({ verb: 'send', targets: [] })
  const sent = await write('Hello')
  expect(sent.verb).toBe('send')
  expect(composer.draft.value).toBe('')
})

it('an empty draft is refused with a reason', async () => {
  const { write } = await openTab(await startScene('composer-empty'))
  expect(await write('  ')).toEqual({ verb: 'reject', reason: 'The draft is empty.' })
})

it('a text given to send() is refused, because the draft would be sent in its place', async () => {
  const { composer, write } = await openTab(await startScene('composer-text'))
  composer.draft.value = 'Draft'
  await expect(composer.send('Hello' as never)).rejects.toThrow('unable to send; it sends the draft: set `draft` first')
  expect(composer.draft.value).toBe('Draft')
  expect((await write('Hello')).verb).toBe('send')
})

it('`interrupt` names the runs that it stops, stops them, and sends', async () => {
  const scene = await startScene('composer-interrupt')
  const { composer, write, runs } = await openTab(scene, { whenBusy: 'interrupt' })
  const first = await write('One')
  if (first.verb !== 'send') throw new Error(first.verb)
  ;(await scene.model.call(0)).say('Begun')
  await first.run.started
  expect(composer.next.value).toEqual({ verb: 'interrupt', targets: [runs.value[0]] })
  expect(composer.nextFor('steer')).toEqual({ verb: 'steer', targets: [runs.value[0]] })
  expect(composer.nextFor('queue')).toEqual({ verb: 'queue', targets: [] })
  expect((await write('Two')).verb).toBe('interrupt')
  expect(await first.run.finished).toEqual({ reason: 'cancelled' })
})

it('`alongside` leaves both runs active, and `steer` goes to the newest one', async () => {
  const scene = await startScene('composer-beside')
  const { write, runs } = await openTab(scene)
  await write('One')
  await scene.model.call(0)
  expect((await write('Two')).verb).toBe('alongside')
  await scene.model.call(1)
  await eventually(() => expect(runs.value.map(({ status }) => status)).toEqual(['active', 'active']))
  expect(await write('Be brief', { whenBusy: 'steer' })).toMatchObject({ verb: 'steer', runId: runs.value[1]!.runId })
})

it('a draft stays if the policy refuses, and a function can choose the policy by the text', async () => {
  const scene = await startScene('composer-reject')
  const { composer, write } = await openTab(scene, {
    whenBusy: (text, running) => (text.endsWith('!') && running.length === 1 ? 'alongside' : 'reject'),
  })
  const first = await write('One')
  await (first.verb === 'send' && first.run.started)
  expect(await write('Two')).toEqual({ verb: 'reject', reason: 'An answer is being written.' })
  expect(composer.draft.value).toBe('Two')
  expect((await write('Two!')).verb).toBe('alongside')
})

it('queued prompts are sent in order, each after the previous run has succeeded', async () => {
  const scene = await startScene('composer-queue')
  const { composer, write, shown, queued } = await openTab(scene, { whenBusy: 'queue', queueLimit: 3 })
  await write('One')
  const one = await scene.model.call(0)
  for (const text of ['Two', 'Three', 'Four']) expect((await write(text)).verb).toBe('queue')
  expect(await write('Five')).toEqual({ verb: 'reject', reason: 'The queue is full (3).' })
  const [two, , four] = composer.queue.value
  composer.move(four!.id, 0)
  composer.update(two!.id, { text: 'Two, edited' })
  composer.remove(composer.queue.value[2]!.id)
  expect(queued()).toEqual(['Four', 'Two, edited'])
  answer(one, '1')
  answer(await scene.model.call(1), '4')
  answer(await scene.model.call(2), '2')
  await eventually(() =>
    expect(shown()).toEqual([
      'sent: One',
      'complete: 1',
      'sent: Four',
      'complete: 4',
      'sent: Two, edited',
      'complete: 2',
    ]),
  )
  expect(queued()).toEqual([])
})

it('the queue waits for resume() after a Stop, and names the stopped run', async () => {
  const scene = await startScene('composer-pause')
  const { composer, write, queued, cancelAll, runs } = await openTab(scene, { whenBusy: 'queue' })
  await write('One')
  await scene.model.call(0)
  await write('Two')
  await cancelAll()
  await eventually(() => expect(composer.pause.value).toEqual({ reason: 'stopped', run: runs.value[0] }))
  expect(queued()).toEqual(['Two'])
  expect(composer.next.value.verb).toBe('send')
  composer.resume()
  ;(await scene.model.call(1)).finish()
  await eventually(() => expect(queued()).toEqual([]))
})

it('the queue waits for resume() after a run that failed', async () => {
  const scene = await startScene('composer-error')
  const { composer, write, queued } = await openTab(scene, { whenBusy: 'queue' })
  await write('One')
  const call = await scene.model.call(0)
  await write('Two')
  call.fail('no more words')
  await eventually(() => expect(composer.pause.value?.reason).toBe('error'))
  expect(queued()).toEqual(['Two'])
})

it('a queued prompt can be sent at once, and takes its place in the order of the conversation', async () => {
  const scene = await startScene('composer-now')
  const { composer, write, queued } = await openTab(scene, { whenBusy: 'queue' })
  await write('One')
  await scene.model.call(0)
  await write('Two')
  const run = await composer.sendNow(composer.queue.value[0]!.id)
  await scene.model.call(1)
  await run.started
  expect(queued()).toEqual([])
})

it('a queued prompt that is on its way cannot be changed, also when another one that was sent with it has arrived', async () => {
  const scene = await startScene('composer-now-both')
  const { composer, write, shown, queued } = await openTab(scene, { whenBusy: 'queue' })
  await write('One')
  await scene.model.call(0)
  for (const text of ['Two', 'Three']) await write(text)
  const [two, three] = composer.queue.value
  const arrived = composer.sendNow(two!.id)
  // It waits for the end of the run that it stops
  const later = composer.sendNow(three!.id, { whenBusy: 'interrupt', waitFor: 'ended' })
  expect(composer.sending.value).toBe(two!.id)
  await arrived
  expect(composer.sending.value).toBe(three!.id)
  composer.update(three!.id, { text: 'Three, edited' })
  composer.remove(three!.id)
  expect(queued()).toEqual(['Three'])
  await later
  expect(composer.sending.value).toBeUndefined()
  expect(queued()).toEqual([])
  await eventually(() => expect(shown()).toContain('sent: Three'))
})

it('the draft and the queue survive a reload, and the queue continues if the run has ended meanwhile', async () => {
  const scene = await startScene('composer-reload')
  const storage = makeStorage()
  const options: UseComposerOptions = { whenBusy: 'queue', storage: () => storage }
  const before = await openTab(scene, options)
  await before.write('One')
  const one = await scene.model.call(0)
  await before.write('Two')
  before.composer.draft.value = 'Unfinished'
  before.close()
  before.client.close()
  answer(one, '1')
  const after = await openTab(scene, options)
  expect(after.composer.draft.value).toBe('Unfinished')
  answer(await scene.model.call(1), '2')
  await eventually(() => expect(after.shown()).toEqual(['sent: One', 'complete: 1', 'sent: Two', 'complete: 2']))
  expect([...storage.items.keys()]).toEqual(['vue-ai-transport:ai:composer-reload:draft'])
})

it('a queued prompt is sent once by two tabs of one user', async () => {
  const scene = await startScene('composer-tabs')
  const storage = makeStorage()
  const options: UseComposerOptions = { whenBusy: 'queue', storage: () => storage }
  const left = await openTab(scene, options)
  await left.write('One')
  const one = await scene.model.call(0)
  const right = await openTab(scene, options)
  await left.write('Two')
  await right.write('Three')
  const tell = (key: string) => window.dispatchEvent(new StorageEvent('storage', { key }))
  tell('vue-ai-transport:ai:composer-tabs:queue')
  expect(right.queued()).toEqual(['Two', 'Three'])
  expect(left.queued()).toEqual(['Two', 'Three'])
  answer(one, '1')
  answer(await scene.model.call(1), '2')
  tell('vue-ai-transport:ai:composer-tabs:queue')
  answer(await scene.model.call(2), '3')
  const all = ['sent: One', 'complete: 1', 'sent: Two', 'complete: 2', 'sent: Three', 'complete: 3']
  await eventually(() => expect(left.shown()).toEqual(all))
  await eventually(() => expect(right.shown()).toEqual(all))
  expect(scene.agentRuns).toHaveLength(3)
})

it('two tabs that queue at the same moment lose no prompt, and each is sent once', async () => {
  const scene = await startScene('composer-same-moment')
  const { open, deliver } = makeSharedStorage()
  const [left, right] = [
    await openTab(scene, { whenBusy: 'queue', storage: open }),
    await openTab(scene, { whenBusy: 'queue', storage: open }),
  ]
  await left.write('One')
  const one = await scene.model.call(0)
  await eventually(() => expect(right.runs.value[0]?.status).toBe('active'))
  await left.write('Two')
  await right.write('Three')
  expect([left.queued(), right.queued()]).toEqual([['Two'], ['Three']])
  deliver('vue-ai-transport:ai:composer-same-moment:queue')
  expect(left.queued().toSorted()).toEqual(['Three', 'Two'])
  expect(right.queued()).toEqual(left.queued())
  answer(one, '1')
  answer(await scene.model.call(1), '2')
  answer(await scene.model.call(2), '3')
  await eventually(() => expect(left.shown().filter((line) => line.startsWith('complete'))).toHaveLength(3))
  await eventually(() => expect([left.queued(), right.queued()]).toEqual([[], []]))
  expect(
    left
      .shown()
      .filter((line) => line.startsWith('sent'))
      .toSorted(),
  ).toEqual(['sent: One', 'sent: Three', 'sent: Two'])
  expect(scene.agentRuns).toHaveLength(3)
})

it('a prompt is kept although another tab overwrites the list of the queue and the tab of the prompt is closed', async () => {
  const scene = await startScene('composer-list')
  onTestFinished(() => localStorage.clear())
  const options: UseComposerOptions = { whenBusy: 'queue', storage: () => localStorage }
  const before = await openTab(scene, options)
  await before.write('One')
  const one = await scene.model.call(0)
  await before.write('Two')
  before.close()
  localStorage.removeItem('vue-ai-transport:ai:composer-list:queue')
  const after = await openTab(scene, options)
  expect(after.queued()).toEqual(['Two'])
  answer(one, '1')
  answer(await scene.model.call(1), '2')
  await eventually(() => expect(after.shown()).toEqual(['sent: One', 'complete: 1', 'sent: Two', 'complete: 2']))
  expect(Object.keys(localStorage)).toEqual([])
})

/** Two tabs with one storage that does not tell them of changes, and a prompt that waits in both. */
async function queueInBoth(scene: Scene) {
  const storage = makeStorage()
  const options: UseComposerOptions = { whenBusy: 'queue', storage: () => storage }
  const left = await openTab(scene, options)
  await left.write('One')
  const one = await scene.model.call(0)
  await left.write('Two')
  const right = await openTab(scene, options)
  expect(right.queued()).toEqual(['Two'])
  return { left, right, one, storage, options }
}

it('a tab that has missed the removal of a prompt, as a frozen one does, does not send it', async () => {
  const scene = await startScene('composer-missed-removal')
  const { left, right, one } = await queueInBoth(scene)
  left.composer.remove(left.composer.queue.value[0]!.id)
  await left.write('Three')
  answer(one, '1')
  answer(await scene.model.call(1), '3')
  const all = ['sent: One', 'complete: 1', 'sent: Three', 'complete: 3']
  await eventually(() => expect([left.shown(), right.shown()]).toEqual([all, all]))
  await eventually(() => expect([left.queued(), right.queued()]).toEqual([[], []]))
})

it('a tab that has missed the removal of a prompt refuses to send it now', async () => {
  const { left, right } = await queueInBoth(await startScene('composer-removed'))
  const { id } = left.composer.queue.value[0]!
  left.composer.remove(id)
  expect(right.queued()).toEqual(['Two'])
  await expect(right.composer.sendNow(id)).rejects.toMatchObject({ code: 40003 })
  expect(right.queued()).toEqual([])
})

it('a tab that was in the back/forward cache shows the queue as it is now', async () => {
  const { left, right } = await queueInBoth(await startScene('composer-back'))
  left.composer.update(left.composer.queue.value[0]!.id, { text: 'Two, edited' })
  expect(right.queued()).toEqual(['Two'])
  window.dispatchEvent(new Event('pageshow'))
  expect(right.queued()).toEqual(['Two, edited'])
})

it('a prompt of a tab that was closed between its publish and its removal is not published again', async () => {
  const clock = { skipped: 0, now: () => Date.now() + clock.skipped }
  const scene = await startScene('composer-closed-between', {}, { clock })
  const wire = await scene.wire()
  const { left, right, one, storage, options } = await queueInBoth(scene)
  right.close()
  const stored = [...storage.items]
  answer(one, '1')
  answer(await scene.model.call(1), '2')
  const all = ['sent: One', 'complete: 1', 'sent: Two', 'complete: 2']
  await eventually(() => expect([left.shown(), left.queued()]).toEqual([all, []]))
  left.close()
  for (const [key, value] of stored) storage.setItem(key, value)
  // The channel has forgotten the id of the prompt
  clock.skipped = 180_000
  const later = await openTab(scene, options)
  await eventually(() => expect([later.shown(), later.queued()]).toEqual([all, []]))
  await later.write('Three')
  await wire.hears(({ data }) => data === 'Three')
  expect(wire.heard.filter(({ data }) => data === 'Two')).toHaveLength(1)
})

it('a prompt of a tab that was closed between its publish and its wake is answered', async () => {
  const scene = await startScene('composer-not-woken')
  const { left, right, one, options } = await queueInBoth(scene)
  left.close()
  right.close()
  const session = await scene.open('alice', { wake: false })
  await session.view.send('Two', { id: left.composer.queue.value[0]!.id })
  answer(one, '1')
  const later = await openTab(scene, options)
  answer(await scene.model.call(1), '2')
  await eventually(() => expect(later.shown()).toEqual(['sent: One', 'complete: 1', 'sent: Two', 'complete: 2']))
  await eventually(() => expect(later.queued()).toEqual([]))
})

it('a prompt stays in the queue when its session is closed before the channel has it', async () => {
  const scene = await startScene('composer-closed-offline')
  const { left, right, one, options } = await queueInBoth(scene)
  right.close()
  const restore = scene.endpoint.dropConnection('alice', { refuseFor: Infinity })
  await eventually(() => expect(left.session.status.value).toBe('reconnecting'))
  const sending = left.composer.sendNow(left.composer.queue.value[0]!.id)
  await left.session.session.close()
  left.close()
  await expect(sending).rejects.toMatchObject({ code: 104004 })
  restore()
  answer(one, '1')
  const later = await openTab(scene, options)
  answer(await scene.model.call(1), '2')
  await eventually(() => expect(later.shown()).toEqual(['sent: One', 'complete: 1', 'sent: Two', 'complete: 2']))
})

it('a tab that opens does not write the queue that it has read, which can be behind what another tab wrote', async () => {
  const scene = await startScene('composer-behind')
  const storage = makeStorage()
  const options: UseComposerOptions = { whenBusy: 'queue', storage: () => storage }
  const left = await openTab(scene, options)
  await left.write('One')
  await scene.model.call(0)
  await left.write('Two')
  const written: string[] = []
  const watched = { ...storage, setItem: (key: string) => void written.push(key) }
  const right = await openTab(scene, { ...options, storage: () => watched })
  await eventually(() => expect(right.runs.value[0]?.status).toBe('active'))
  expect(right.queued()).toEqual(['Two'])
  expect(written).toEqual([])
})

it('a storage may put something before the keys, and the tabs still share the queue', async () => {
  const scene = await startScene('composer-prefix')
  const shared = makeStorage()
  const storage = {
    getItem: (key: string) => shared.getItem(`alice:${key}`),
    setItem: (key: string, value: string) => shared.setItem(`alice:${key}`, value),
    removeItem: (key: string) => shared.removeItem(`alice:${key}`),
  }
  const options: UseComposerOptions = { whenBusy: 'queue', storage: () => storage }
  const [left, right] = [await openTab(scene, options), await openTab(scene, options)]
  await left.write('One')
  await scene.model.call(0)
  await left.write('Two')
  window.dispatchEvent(new StorageEvent('storage', { key: 'alice:vue-ai-transport:ai:composer-prefix:queue' }))
  expect(right.queued()).toEqual(['Two'])
})

const storages = {
  'is full': {
    setItem: () => {
      throw new Error('QuotaExceededError')
    },
  },
  'ignores what is written': { setItem: () => undefined },
}

it.each(Object.entries(storages))('a storage that %s loses no prompt, and is reported', async (why, storage) => {
  const scene = await startScene(`composer-${why.replaceAll(' ', '-')}`)
  const { composer, write, queued } = await openTab(scene, {
    whenBusy: 'queue',
    storage: () => ({ ...makeStorage(), ...storage }),
  })
  await write('One')
  await scene.model.call(0)
  await write('Two')
  await write('Three')
  expect(queued()).toEqual(['Two', 'Three'])
  expect(composer.storageError.value?.message).toMatch(
    /^unable to keep the (draft|queue) for a reload; .*(QuotaExceededError|not kept)/,
  )
})

it('a storage that the browser blocks is reported, and the composer works without it', async () => {
  const scene = await startScene('composer-blocked')
  const storage = (): Storage => {
    throw new DOMException('Access is denied for this document.', 'SecurityError')
  }
  const { composer, write, queued } = await openTab(scene, { whenBusy: 'queue', storage })
  await write('One')
  const one = await scene.model.call(0)
  await write('Two')
  window.dispatchEvent(new StorageEvent('storage', { key: null }))
  expect(queued()).toEqual(['Two'])
  expect(composer.storageError.value?.message).toMatch(
    /^unable to keep the draft and the queue for a reload; .*denied.*blocked/,
  )
  answer(one, '1')
  answer(await scene.model.call(1), '2')
  await eventually(() => expect(queued()).toEqual([]))
})

it('foreign data in the storage is ignored', async () => {
  const scene = await startScene('composer-foreign')
  const storage = makeStorage()
  storage.setItem('vue-ai-transport:ai:composer-foreign:queue', '{"items":[{"id":3}],"awaited":7}')
  for (const draft of ['null}', '{"text":"Hi","attachments":[null]}', '{"text":"Hi","attachments":[{"file":1}]}']) {
    storage.setItem('vue-ai-transport:ai:composer-foreign:draft', draft)
    const { composer, queued } = await openTab(scene, { storage: () => storage })
    expect([composer.draft.value, ...composer.attachments.value, ...queued()]).toEqual([''])
  }
})

it('a queued prompt that cannot be sent stays first in the queue, which waits for resume()', async () => {
  const scene = await startScene('composer-refused')
  let isRefused = true
  let tries = 0
  const { composer, write, queued } = await openTab(scene, {
    whenBusy: 'queue',
    message({ text }) {
      if (text === 'Two' && isRefused) throw new Error(`no, for the ${++tries}. time`)
      return text
    },
  })
  await write('One')
  const one = await scene.model.call(0)
  await write('Two')
  answer(one, '1')
  await eventually(() =>
    expect(composer.pause.value).toEqual({ reason: 'failed', inputId: composer.queue.value[0]!.id }),
  )
  await new Promise((resolve) => setTimeout(resolve, 50))
  expect(tries).toBe(1)
  isRefused = false
  composer.resume()
  answer(await scene.model.call(1), '2')
  await eventually(() => expect(queued()).toEqual([]))
})
