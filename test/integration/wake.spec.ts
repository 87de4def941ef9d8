import { describe, expect, it, onTestFinished, vi } from 'vitest'
import { createClientSession, UIMessageCodec, type ActiveRun, type ClientSession } from '../../src'
import type { UIMessage } from 'ai'
import { named } from '../support/agent'
import { eventually } from '../support/eventually'
import { startScene, shown, statuses } from '../support/scene'

/** An agent endpoint; the test sets its response, or the real agent responds. */
async function openWith(name: string) {
  const outage: { answer?: () => Response | Promise<Response> } = {}
  const requests: Request[] = []
  const scene = await startScene(name)
  const inner = scene.fetch
  const fetch = async (url: RequestInfo | URL, init?: RequestInit): Promise<Response> => {
    requests.push(new Request(url, init))
    return outage.answer ? outage.answer() : inner(url, init)
  }
  const open = async (clientId: string): Promise<ClientSession<UIMessage>> => {
    const session = createClientSession({
      client: scene.endpoint.client({ clientId }),
      channelName: scene.channelName,
      codec: UIMessageCodec,
      agent: { url: 'http://agent.test/', fetch },
    })
    onTestFinished(() => session.close())
    await session.connect()
    await session.view.loadOlder(30)
    return session
  }
  return { ...scene, outage, requests, open }
}

const answer = async (run: ActiveRun<UIMessage>, { model }: Awaited<ReturnType<typeof openWith>>, index: number) => {
  const call = await model.call(index)
  call.say('Here')
  call.finish()
  expect(await run.finished).toEqual({ reason: 'complete' })
}

describe('the agent endpoint', () => {
  it('S49 S50 S51 S52 is down for a while: prompts are on the channel, and are answered once when it is up', async () => {
    const scene = await openWith('down')
    const session = await scene.open('alice')
    const wire = await scene.wire()
    const before = await session.view.send('Before')
    const call = await scene.model.call(0)
    call.say('one ')
    await eventually(() => expect(shown(session)).toEqual(['sent: Before', 'streaming: one ']))

    scene.outage.answer = () => Response.json({ error: 'down' }, { status: 500 })
    await session.cancel(before.runId)
    const run = await session.view.send('Are you there?')
    expect(await before.finished).toEqual({ reason: 'cancelled' })
    await wire.hears((message) => message.data === 'Are you there?')
    expect(wire.heard.filter(named('ai-cancel'))).toHaveLength(1)
    await eventually(() => expect(run.wake).toMatchObject({ state: 'retrying' }))
    expect(run.wake!.error!.message).toMatch(/^unable to wake the agent; the agent at http\S+ answered 500/)
    expect(shown(session)).toEqual(['sent: Before', 'cancelled: one ', 'sent: Are you there?'])
    expect(session.status).toBe('ready')
    expect(session.view.isRunning).toBe(true)
    await eventually(() => expect(run.wake!.attempts).toBeGreaterThanOrEqual(3))
    expect(session.view.pending()[0]!.wake).toBe(run.wake)
    scene.outage.answer = undefined

    await answer(run, scene, 1)
    expect(scene.requests.length).toBe(1 + run.wake!.attempts)
    expect(statuses(session)).toEqual(['cancelled', 'complete'])
    expect(wire.heard.filter(named('ai-run-start'))).toHaveLength(2)
    expect(session.view.pending()).toEqual([])
  })

  it('is not asked again for a cancelled prompt; a retry ends its run as cancelled, and an edit asks anew', async () => {
    const scene = await openWith('stopped')
    const session = await scene.open('alice')
    scene.outage.answer = () => Response.json({ error: 'down' }, { status: 500 })
    const run = await session.view.send('Are you there?')
    await eventually(() => expect(run.wake).toMatchObject({ state: 'retrying' }))
    await run.cancel()
    await eventually(() => expect(run.wake).toMatchObject({ state: 'failed', error: { code: 40033 } }))
    expect(session.view.isRunning).toBe(false)
    const { length } = scene.requests
    await new Promise((resolve) => setTimeout(resolve, 1500))
    expect(scene.requests).toHaveLength(length)

    scene.outage.answer = undefined
    await run.retry()
    await eventually(() => expect(statuses(session)).toEqual(['cancelled']))
    expect(await run.finished).toEqual({ reason: 'cancelled' })
    const again = await session.view.edit(run.inputId, 'Are you there?')
    const call = await scene.model.callFor('Are you there?')
    call.finish()
    expect(await again.finished).toEqual({ reason: 'complete' })
  })

  it('S8 can finish its response if a prompt is cancelled during the request', async () => {
    const scene = await openWith('stopped-meanwhile')
    const session = await scene.open('alice')
    const arrived = Promise.withResolvers<void>()
    const { outage } = scene
    outage.answer = async () => {
      await arrived.promise
      outage.answer = undefined
      return scene.fetch('http://agent.test/', {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify(run.toInvocation()),
      })
    }
    const run = await session.view.send('Are you there?')
    await eventually(() => expect(run.wake).toMatchObject({ state: 'waking', attempts: 1 }))
    await run.cancel()
    await eventually(() => expect(session.view.pending()).toMatchObject([{ cancelling: { by: 'alice' } }]))
    expect(run.wake).toMatchObject({ state: 'waking' })
    arrived.resolve()
    expect(await run.finished).toEqual({ reason: 'cancelled' })
    expect(run.wake?.state ?? 'accepted').toBe('accepted')
  })

  it('S50 tries again after the time that Retry-After asks for, in seconds or as a date', async () => {
    const scene = await openWith('retry-after')
    const session = await scene.open('alice')
    const waits = [() => '1', () => new Date(Date.now() + 2500).toUTCString()]
    scene.outage.answer = () => {
      const after = waits.shift()?.()
      if (after === undefined) scene.outage.answer = undefined
      return new Response(null, { status: 429, headers: after === undefined ? {} : { 'retry-after': after } })
    }
    const run = await session.view.send('Busy?')
    await answer(run, scene, 0)
    expect(waits).toEqual([])
  })

  it.each([408, 425, 502])('S50 is asked again after %i', async (status) => {
    const scene = await openWith(`again-${status}`)
    const session = await scene.open('alice')
    scene.outage.answer = () => {
      scene.outage.answer = undefined
      return new Response(null, { status })
    }
    const run = await session.view.send('Again?')
    await answer(run, scene, 0)
    expect(run.wake).toMatchObject({ state: 'accepted', attempts: 2 })
  })

  it('S50 fails a prompt with any other refusal: its message shows until a user retries', async () => {
    const scene = await openWith('forbidden')
    const session = await scene.open('alice')
    scene.outage.answer = () => Response.json({ error: { message: 'no seat left on your plan' } }, { status: 403 })
    const run = await session.view.send('May I?')
    await expect(run.started).rejects.toThrow('no seat left on your plan')
    expect(run.wake).toMatchObject({ state: 'failed', attempts: 1 })
    expect(session.view.pending()[0]!.wake!.error!.message).toContain('no seat left')
    expect(session.view.isRunning).toBe(false)
    const message = expect.stringContaining('no seat left on your plan')
    expect(await run.finished).toEqual({ reason: 'error', error: { code: 104_005, message, statusCode: 500 } })
    scene.outage.answer = undefined
    session.view.wake(run.inputId)
    expect(session.view.isRunning).toBe(true)
    await run.started
    await answer(run, scene, 0)
  })

  it('S50 has refused the wake of one device: after that of another device the run of the first one starts and finishes', async () => {
    const scene = await openWith('refused-once')
    const session = await scene.open('alice')
    scene.outage.answer = () => Response.json({}, { status: 403 })
    const run = await session.view.send('May I?')
    expect(await run.finished).toMatchObject({ reason: 'error' })
    scene.outage.answer = undefined
    const bob = await scene.open('bob')
    bob.view.wake(run.inputId)
    await eventually(() => expect(run.status).toBe('active'))
    await run.started
    await answer(run, scene, 0)
  })

  it('S51 is not asked while the network is down, and at once when it is back', async () => {
    const scene = await openWith('away')
    const session = await scene.open('alice')
    scene.outage.answer = () => Promise.reject(new TypeError('fetch failed'))
    const run = await session.view.send('Hello?')
    const restore = scene.endpoint.dropConnection('alice', { refuseFor: Infinity })
    await eventually(() => expect(run.wake).toMatchObject({ state: 'waiting' }))
    const { attempts } = run.wake!
    await new Promise((resolve) => setTimeout(resolve, 700))
    expect(run.wake).toMatchObject({ state: 'waiting', attempts })
    scene.outage.answer = undefined
    restore()
    await answer(run, scene, 0)
    expect(run.wake!.attempts).toBe(attempts + 1)
  })

  it('S51 is not asked while the browser is offline', async () => {
    const scene = await openWith('browser-offline')
    const session = await scene.open('alice')
    vi.stubGlobal('navigator', { onLine: false })
    onTestFinished(() => void vi.unstubAllGlobals())
    const run = await session.view.send('Hello?')
    await eventually(() => expect(run.wake).toMatchObject({ state: 'waiting', attempts: 0 }))
    vi.stubGlobal('navigator', { onLine: true })
    scene.endpoint.dropConnection('alice')
    await answer(run, scene, 0)
    expect(run.wake!.attempts).toBe(1)
  })

  it('S49 S51 can be asked by any device for a prompt of another one, and answers once', async () => {
    const scene = await openWith('any-device')
    const laptop = await scene.open('laptop')
    const phone = await scene.open('phone')
    scene.outage.answer = () => new Response('down', { status: 503 })
    const run = await laptop.view.send('Anybody?')
    await laptop.close()
    await eventually(() => expect(phone.view.pending().map(({ inputId }) => inputId)).toEqual([run.inputId]))
    expect(phone.view.pending()[0]!.wake).toBeUndefined()
    scene.outage.answer = undefined
    const wakes = [phone.wake(run.inputId), phone.view.wake(run.inputId)]
    expect(wakes[1]).toBe(wakes[0])
    const call = await scene.model.call(0)
    call.say('Me')
    call.finish()
    await eventually(() => expect(shown(phone)).toEqual(['sent: Anybody?', 'complete: Me']))
    expect(statuses(phone)).toEqual(['complete'])
    expect(phone.view.pending()).toEqual([])
    expect(() => phone.wake(run.inputId)).toThrow('nothing is pending')
  })
})
