import { describe, expect, it, onTestFinished } from 'vitest'
import { createClientSession, UIMessageCodec } from '../../src'
import { startConversation } from '../support/conversation'
import { eventually } from '../support/eventually'

/** A session on a client whose app uses the session's channel directly. */
async function onClientOf(name: string, options: object = {}) {
  const scene = await startConversation(`ai:${name}`)
  const client = scene.endpoint.client({ clientId: 'reader' }, options)
  const open = () => {
    const session = createClientSession({ client, sessionName: name, codec: UIMessageCodec })
    onTestFinished(() => session.close())
    return session
  }
  const states = (session: ReturnType<typeof open>) =>
    session.view.getMessages().map(({ id, state }) => `${id} ${state}`)
  return { ...scene, client, open, states }
}

describe('a channel that the app attached before the session', () => {
  it('is used with its own options, and stays attached', async () => {
    const { client, open, states, prompt } = await onClientOf('own')
    const channel = client.channels.get('ai:own', {
      params: { rewind: '1' },
      modes: ['SUBSCRIBE', 'PUBLISH', 'PRESENCE'],
    })
    await channel.attach()
    const session = open()
    await session.connect()
    await prompt('q', 'Hello')
    await eventually(() => expect(states(session)).toEqual(['q sent']))
    await session.close()
    expect(channel.state).toBe('attached')
  })

  it.each([true, false])(
    'shows what came after the attach and before the session, if the client hears itself: %s',
    async (echoMessages) => {
      const { client, open, states, prompt } = await onClientOf('late', { echoMessages })
      const channel = client.channels.get('ai:late')
      await channel.attach()
      const texts: unknown[] = []
      await channel.subscribe(({ data }) => void texts.push(data))
      await prompt('one', 'One')
      await prompt('two', 'Two')
      await eventually(() => expect(texts).toEqual(['One', 'Two']))
      const session = open()
      await session.connect()
      await prompt('three', 'Three')
      await session.view.loadOlder(10)
      await eventually(() => expect(states(session)).toEqual(['one sent', 'two sent', 'three sent']))
    },
  )

  it.each([
    ['SUBSCRIBE', 'connect'],
    ['PUBLISH', 'send'],
  ] as const)('is reported with the mode %s if that is missing to %s', async (missing, verb) => {
    const { client, open } = await onClientOf('modes')
    const modes = (['SUBSCRIBE', 'PUBLISH', 'PRESENCE'] as const).filter((mode) => mode !== missing)
    await client.channels.get('ai:modes', { modes: [...modes] }).attach()
    const session = open()
    const fails = verb === 'connect' ? session.connect() : session.connect().then(() => session.view.send('x'))
    await expect(fails).rejects.toMatchObject({
      code: 104001,
      message: expect.stringContaining(`add ${missing}`) as string,
    })
  })

  it('is attached again if the app detaches it while a session uses it', async () => {
    const { client, open, states, prompt } = await onClientOf('detached')
    const session = open()
    await session.connect()
    await client.channels.get('ai:detached').detach()
    await prompt('q', 'Still there?')
    await eventually(() => expect([session.status, states(session)]).toEqual(['ready', ['q sent']]))
  })
})

it('works if the client does not receive its own messages', async () => {
  const { open, states, agent, endpoint } = await onClientOf('silent', { echoMessages: false })
  const session = open()
  await session.connect()
  const run = await session.view.send('Hello', { wake: false })
  expect(states(session)).toEqual([`${run.inputId} sent`])
  const answer = await agent.startRun('run-1', run.inputId)
  await eventually(() => expect(run.status).toBe('active'))
  await run.cancel()
  expect(session.view.run('run-1')!.cancelling).toMatchObject({ by: 'reader' })
  expect(session.view.run('run-1')!.cancelling).not.toHaveProperty('pending')
  await answer.end('cancelled')
  await expect(run.finished).resolves.toEqual({ reason: 'cancelled' })
  const other = createClientSession({ client: endpoint.client(), sessionName: 'silent', codec: UIMessageCodec })
  onTestFinished(() => other.close())
  await other.connect()
  await other.view.loadOlder(10)
  expect(states(other)).toEqual([`${run.inputId} sent`])
})
