import { describe, expect, it } from 'vitest'
import { createClientSession, SessionError, UIMessageCodec } from '../../src'
import { failure } from '../support/local'
import { eventually } from '../support/eventually'
import { handAgent } from '../support/hand-agent'
import { promptMessage, startConversation } from '../support/conversation'
import { shown, startScene, textOf } from '../support/scene'

describe('a prompt that cannot be published', () => {
  it('stays with its reason, and is published when it is retried', async () => {
    const { open, endpoint, channelName, model } = await startScene('refused')
    const session = await open('alice')
    const restore = endpoint.refusePublish({ channel: channelName, name: 'ai-input' })
    const failure = await session.view.send('Hello?').catch((error: unknown) => error)
    expect(failure).toBeInstanceOf(SessionError)
    expect(failure).toMatchObject({
      code: 104005,
      message: expect.stringMatching(/^unable to send the prompt; /) as string,
    })
    const [message] = session.view.getMessages()
    expect(message).toMatchObject({ state: 'failed', error: { code: 104005 } })
    expect(session.view.pending()).toEqual([])
    expect(session.view.isRunning).toBe(false)

    restore()
    await session.view.retry(message!.id)
    const call = await model.call(0)
    call.say('Here')
    call.finish()
    await eventually(() => expect(shown(session)).toEqual(['sent: Hello?', 'complete: Here']))
    expect(session.view.getMessages()[0]).toBe(message)
  })

  it('is not the parent of the next prompt, and can be discarded', async () => {
    const { open, endpoint, channelName } = await startScene('discarded')
    const session = await open('alice', { wake: false })
    const restore = endpoint.refusePublish({ channel: channelName, name: 'ai-input' })
    await expect(session.view.send('lost')).rejects.toThrow('unable to send')
    restore()
    await session.view.send('next')
    expect(shown(session)).toEqual(['sent: next', 'failed: lost'])
    session.view.discard(session.view.getMessages()[1]!.id)
    expect(shown(session)).toEqual(['sent: next'])
    const newcomer = await open('bob', { wake: false })
    expect(shown(newcomer)).toEqual(['sent: next'])
  })

  it('is reported with the channel rule if the namespace does not allow appends', async () => {
    const { endpoint } = await startConversation('ai:other')
    const agent = handAgent(endpoint.client({ clientId: 'agent' }), 'plain:session')
    const run = await agent.startRun('run', 'q')
    const text = await run.text()
    await expect(text.append('x')).rejects.toMatchObject({ code: 93002 })
  })
})

describe('a session whose token does not allow reading', () => {
  it('reports it once, and attaches when the token allows it', async () => {
    const scene = await startConversation('ai:closed')
    let capability: Record<string, string[]> = { 'ai:other': ['subscribe'] }
    const client = scene.endpoint.client(
      {},
      {
        key: undefined,
        authCallback: (_, done) => done(null, scene.endpoint.createToken({ clientId: 'guest', capability })),
      },
    )
    const session = createClientSession({ client, channelName: 'ai:closed', codec: UIMessageCodec })
    const errors: SessionError[] = []
    session.on('error', (error) => errors.push(error))
    const refused = await failure(session.connect())
    expect(refused).toMatchObject({ code: 40160 })
    expect(refused.message).toBe(
      `unable to attach to channel "ai:closed"; the token lacks a capability: ${(refused.cause as Error).message}. Grant subscribe, publish and history on channel "ai:closed", or on "ai:*"`,
    )
    expect(session.status).toBe('failed')
    expect(errors.map((error) => error.code)).toEqual([40160])
    capability = { 'ai:closed': ['subscribe', 'history'] }
    await client.auth.authorize()
    await session.connect()
    expect(session.status).toBe('ready')
    await scene.prompt('q', 'now')
    await eventually(() => expect(shown(session)).toEqual(['sent: now']))
    await session.close()
  })
})

describe('waking the agent', () => {
  const openWith = async (answers: (Response | Error)[], name: string) => {
    const scene = await startScene(name)
    const requests: Request[] = []
    const session = createClientSession({
      client: scene.endpoint.client({ clientId: 'alice' }),
      channelName: scene.channelName,
      codec: UIMessageCodec,
      agent: {
        url: 'http://agent.test/api',
        headers: () => ({ authorization: `Bearer ${requests.length}` }),
        fetch: async (url, init) => {
          requests.push(new Request(url, init))
          const answer = answers.shift() ?? new Response(null, { status: 202 })
          if (answer instanceof Error) throw answer
          return answer
        },
      },
    })
    await session.connect()
    return { session, requests, scene }
  }

  it('S50 is retried after network errors, 5xx and 429, with fresh headers, and shows its attempts', async () => {
    const { session, requests } = await openWith(
      [new Error('offline'), new Response('down', { status: 503 }), new Response(null, { status: 202 })],
      'retried',
    )
    const run = await session.view.send('Hello?')
    await eventually(() => expect(run.wake).toMatchObject({ state: 'retrying', attempts: 1 }))
    expect(run.wake!.error!.message).toContain('offline')
    expect(session.view.pending()[0]!.wake).toBe(run.wake)
    await eventually(() => expect(run.wake).toMatchObject({ state: 'accepted', attempts: 3 }))
    expect(requests.map((request) => request.headers.get('authorization'))).toEqual([
      'Bearer 0',
      'Bearer 1',
      'Bearer 2',
    ])
    expect(await requests[0]!.json()).toEqual(run.toInvocation())
    expect(run.toInvocation()).toEqual({ inputEventId: run.inputEventId, sessionName: 'ai:retried' })
    await session.close()
  })

  it('fails at once on another 4xx, with its message, until it is retried', async () => {
    const { session, requests, scene } = await openWith(
      [Response.json({ error: { message: 'no seat left on your plan' } }, { status: 403 })],
      'refused-wake',
    )
    const run = await session.view.send('Hello?')
    await expect(run.started).rejects.toThrow('no seat left on your plan')
    expect(run.wake).toMatchObject({ state: 'failed', attempts: 1 })
    expect(session.view.isRunning).toBe(false)
    await run.retry()
    await eventually(() => expect(run.wake).toMatchObject({ state: 'accepted', attempts: 2 }))
    expect(requests).toHaveLength(2)
    expect(session.view.isRunning).toBe(true)
    await handAgent(scene.endpoint.client({ clientId: 'agent' }), scene.channelName).startRun('run-1', run.inputId)
    await run.started
    await session.close()
  })
})

describe('history', () => {
  const conversation = async (name: string, count: number) => {
    const scene = await startConversation(`ai:${name}`)
    for (let index = 0; index < count; index++) {
      await scene.writer.channels
        .get(`ai:${name}`)
        .publish([promptMessage(`m${index}`, `text ${index}`, index > 0 ? `m${index - 1}` : undefined)])
    }
    const open = async (historyPageSize = 100) => {
      const session = createClientSession({
        client: scene.endpoint.client({ clientId: 'reader' }),
        channelName: `ai:${name}`,
        codec: UIMessageCodec,
        historyPageSize,
      })
      await session.connect()
      return session
    }
    return { ...scene, open }
  }
  const ids = (messages: readonly { id: string }[]): string => messages.map(({ id }) => id).join(' ')

  it.each([1, 2, 3, 7, 100])('shows exactly as many older messages as requested, in pages of %i', async (pageSize) => {
    const { open } = await conversation('older', 9)
    const { view, ...session } = await open(pageSize)
    void session
    expect(view.getMessages()).toEqual([])
    expect(view.hasOlder()).toBe(true)
    expect(ids(await view.loadOlder(4))).toBe('m5 m6 m7 m8')
    expect(ids(await view.loadOlder(3))).toBe('m2 m3 m4')
    expect(ids(view.getMessages())).toBe('m2 m3 m4 m5 m6 m7 m8')
    expect(ids(await view.loadOlder(10))).toBe('m0 m1')
    expect(await view.loadOlder(1)).toEqual([])
    expect(view.hasOlder()).toBe(false)
    await expect(view.loadOlder(0)).rejects.toMatchObject({ code: 40003 })
  })

  it('loads up to the message that is searched', async () => {
    const { open } = await conversation('until', 9)
    const session = await open(2)
    expect(ids(await session.view.loadUntil((message) => textOf(message) === 'text 5'))).toBe('m6 m7 m8')
    expect(ids(await session.view.loadOlder(1))).toBe('m5')
    expect(ids(await session.view.loadUntil(() => false))).toBe('m0 m1 m2 m3 m4')
    const aborted = new AbortController()
    aborted.abort(new Error('enough'))
    await expect(session.view.loadUntil(() => true, aborted.signal)).rejects.toThrow('enough')
  })

  it('does not count messages that arrive live while it loads', async () => {
    const { open, prompt } = await conversation('meanwhile', 9)
    const { view } = await open(1)
    const loading = view.loadOlder(5)
    await prompt('live', 'now', 'm8')
    expect(ids(await loading)).toBe('m4 m5 m6 m7 m8')
    await eventually(() => expect(ids(view.getMessages())).toBe('m4 m5 m6 m7 m8 live'))
  })

  it('loads no messages for a second call while the first one is loading', async () => {
    const { open } = await conversation('twice', 9)
    const { view } = await open(2)
    const [first, second] = await Promise.all([view.loadOlder(4), view.loadOlder(4)])
    expect([ids(first), ids(second)]).toEqual(['m5 m6 m7 m8', ''])
    expect(ids(view.getMessages())).toBe('m5 m6 m7 m8')
  })

  it('lets searches wait for each other, and reports each when it is done', async () => {
    const { open } = await conversation('queued', 9)
    const { view } = await open(1)
    const seen: string[] = []
    view.on('update', () => seen.push(ids(view.getMessages())))
    const looking = [5, 2].map((index) => view.loadUntil((message) => textOf(message) === `text ${index}`))
    expect(view.isLoadingOlder).toBe(true)
    expect((await Promise.all(looking)).map(ids)).toEqual(['m6 m7 m8', 'm3 m4 m5'])
    expect(seen).toEqual(['m6 m7 m8', 'm3 m4 m5 m6 m7 m8'])
    expect(view.isLoadingOlder).toBe(false)
  })

  it('shows no messages of an aborted search, and keeps them for the next call', async () => {
    const { open } = await conversation('given-up', 9)
    const { view } = await open(2)
    const giveUp = new AbortController()
    let looked = 0
    const search = view.loadUntil(() => {
      if (++looked === 5) giveUp.abort(new Error('enough'))
      return false
    }, giveUp.signal)
    await expect(search).rejects.toThrow('enough')
    expect(view.getMessages()).toEqual([])
    expect(view.isLoadingOlder).toBe(false)
    expect(ids(await view.loadOlder(9))).toBe('m0 m1 m2 m3 m4 m5 m6 m7 m8')
  })

  it('is read once for all views', async () => {
    const { open } = await conversation('shared', 9)
    const session = await open(4)
    const other = session.createView()
    const read = await Promise.all([session.view.loadOlder(3), other.loadOlder(5)])
    expect(read.map(ids)).toEqual(['m6 m7 m8', 'm4 m5 m6 m7 m8'])
    expect(ids(session.view.getMessages())).toBe('m6 m7 m8')
    expect(ids(await session.view.loadOlder(3))).toBe('m3 m4 m5')
    expect(other.hasOlder()).toBe(true)
    expect(ids(await other.loadOlder(9))).toBe('m0 m1 m2 m3')
    expect([other.hasOlder(), session.view.hasOlder()]).toEqual([false, true])
    expect(ids(await session.view.loadOlder(9))).toBe('m0 m1 m2')
  })

  it('keeps live messages visible, and older ones hidden, for each view separately', async () => {
    const { open, prompt } = await conversation('views', 5)
    const session = await open(2)
    const other = session.createView()
    await prompt('live', 'now', 'm4')
    await eventually(() => expect(ids(other.getMessages())).toBe('live'))
    expect(ids(await session.view.loadOlder(3))).toBe('m2 m3 m4')
    expect(ids(session.view.getMessages())).toBe('m2 m3 m4 live')
    expect(ids(other.getMessages())).toBe('live')
    expect(ids(await other.loadOlder(1))).toBe('m4')
    expect(ids(session.createView().getMessages())).toBe('m1 m2 m3 m4 live')
    await session.close()
  })

  it('shows a late joiner the complete reply once, whenever history is read', async () => {
    const scene = await startConversation('ai:joiner')
    await scene.prompt('q', 'Long story')
    const run = await scene.agent.startRun('run-1', 'q')
    const text = await run.text()
    await text.append('Once upon ')
    const session = createClientSession({
      client: scene.endpoint.client({ clientId: 'late' }),
      channelName: 'ai:joiner',
      codec: UIMessageCodec,
      historyPageSize: 1,
    })
    await session.connect()
    await text.append('a ')
    await eventually(() => expect(shown(session)).toEqual(['streaming: Once upon a ']))
    await session.view.loadOlder(10)
    await text.append('time')
    await text.close()
    await run.end()
    await eventually(() => expect(shown(session)).toEqual(['sent: Long story', 'complete: Once upon a time']))
    expect(session.view.getMessages()[1]!.message.parts.map((part) => part.type)).toEqual(['step-start', 'text'])
    await session.close()
  })
})

describe('lost continuity', () => {
  it('shows the first messages of a session that was empty before', async () => {
    const scene = await startConversation('ai:empty')
    const client = scene.endpoint.client({ clientId: 'traveller' })
    const session = createClientSession({ client, channelName: 'ai:empty', codec: UIMessageCodec, historyPageSize: 2 })
    await session.connect()
    await session.view.loadOlder(10)
    scene.endpoint.breakContinuity('ai:empty')
    const back = scene.endpoint.dropConnection('traveller', { refuseFor: 300 })
    await eventually(() => expect(session.status).toBe('reconnecting'))
    for (const id of ['a', 'b', 'c']) await scene.prompt(id, id)
    back()
    await eventually(() => expect(session.status).toBe('ready'))
    expect(shown(session)).toEqual(['sent: a', 'sent: b', 'sent: c'])
    await session.close()
  })

  it('S35 S36 is repaired from history: a text that grew, a run that ended, a new prompt', async () => {
    const scene = await startConversation('ai:repair')
    await scene.prompt('q', 'Long story')
    const run = await scene.agent.startRun('run-1', 'q')
    const text = await run.text()
    await text.append('Once ')
    const client = scene.endpoint.client({ clientId: 'traveller' })
    const session = createClientSession({ client, channelName: 'ai:repair', codec: UIMessageCodec, historyPageSize: 2 })
    await session.connect()
    await session.view.loadOlder(10)
    const statuses: string[] = []
    session.on('status', (status) => statuses.push(status))
    expect(shown(session)).toEqual(['sent: Long story', 'streaming: Once '])

    scene.endpoint.breakContinuity('ai:repair')
    const back = scene.endpoint.dropConnection('traveller', { refuseFor: 300 })
    await eventually(() => expect(session.status).toBe('reconnecting'))
    await text.append('upon a time')
    await text.close()
    await run.end()
    await scene.prompt('q2', 'Another?', 'run-1-reply')
    back()
    await eventually(() =>
      expect(shown(session)).toEqual(['sent: Long story', 'complete: Once upon a time', 'sent: Another?']),
    )
    await eventually(() => expect(session.status).toBe('ready'))
    expect(statuses).toContain('repairing')
    expect(session.view.runs()).toMatchObject([{ runId: 'run-1', status: 'complete' }])
    await session.close()
  })
})

describe('branches', () => {
  it('keep an edited prompt and a regenerated reply beside the old ones', async () => {
    const { open, model } = await startScene('branches')
    const session = await open('alice')
    const answer = async (index: number, text: string) => {
      const call = await model.call(index)
      call.say(text)
      call.finish()
    }
    const first = await session.view.send('Lisbon?')
    await answer(0, 'Sunny')
    await first.finished
    const [prompt, reply] = session.view.getMessages()

    const again = await session.view.regenerate(reply!.id)
    await answer(1, 'Rainy')
    await again.finished
    expect(shown(session)).toEqual(['sent: Lisbon?', 'complete: Rainy'])
    const replies = session.view.branch(session.view.getMessages()[1]!.id)
    expect(replies).toMatchObject({ index: 1, hasSiblings: true })
    replies.select(0)
    expect(shown(session)).toEqual(['sent: Lisbon?', 'complete: Sunny'])

    const edited = await session.view.edit(prompt!.id, 'Porto?')
    await answer(2, 'Windy')
    await edited.finished
    expect(shown(session)).toEqual(['sent: Porto?', 'complete: Windy'])
    session.view.branch(edited.inputId).select(0)
    expect(shown(session)).toEqual(['sent: Lisbon?', 'complete: Sunny'])
    await expect(session.view.edit('nothing', 'x')).rejects.toMatchObject({ code: 40003 })
    await expect(session.view.regenerate(prompt!.id)).rejects.toMatchObject({ code: 40003 })
  })
})
