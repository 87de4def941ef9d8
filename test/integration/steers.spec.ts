import { describe, expect, it } from 'vitest'
import { startConversation } from '../support/conversation'
import { eventually } from '../support/eventually'
import { joinWire, transportOf } from '../support/agent'
import { openSession } from '../support/open-session'
import { shown } from '../support/scene'

async function aRun(name: string) {
  const scene = await startConversation(`ai:${name}`)
  const session = await openSession(scene, 'alice')
  const wire = await joinWire(scene.endpoint.client({ clientId: 'watcher' }), `ai:${name}`)
  const active = await session.view.send('Plan a trip')
  const start = () => scene.agent.startRun('run-1', active.inputId, 'alice')
  const steerOnWire = () => wire.hears((message) => message.name === 'ai-input' && 'run-id' in transportOf(message))
  return { ...scene, session, active, start, wire, steerOnWire }
}

const idOf = (message: { extras?: unknown }): string => transportOf(message)['codec-message-id']!

describe('a steer', () => {
  it('is waiting, is sent into the run, and is consumed when the agent reports it', async () => {
    const { session, active, start, steerOnWire } = await aRun('consumed')
    const steer = active.steer('Make it cheap')
    const run = await start()
    const serial = await steer.published
    const message = await steerOnWire()
    expect(message).toMatchObject({ serial, data: 'Make it cheap' })
    expect(transportOf(message)).toEqual({
      role: 'user',
      'codec-message-id': steer.id,
      'run-id': 'run-1',
      'run-client-id': 'alice',
      'event-id': expect.any(String) as string,
      stream: 'false',
      discrete: 'true',
    })
    await run.say('reply', 'Take the bus', [idOf(message)])
    await run.end()
    expect(await steer.outcome).toEqual({ consumed: true, runTerminalReason: 'complete' })
    expect(shown(session).map((line) => line.split(': ')[1])).toEqual(['Plan a trip', 'Make it cheap', 'Take the bus'])
  })

  it('that arrives too late is shown as missed', async () => {
    const { session, start } = await aRun('missed')
    const run = await start()
    await eventually(() => expect(session.view.runs()).toHaveLength(1))
    const steer = session.steer('run-1', 'Make it cheap')
    await steer.published
    await run.say('reply', 'Take the plane')
    await run.end('cancelled')
    expect(await steer.outcome).toEqual({ consumed: false, runTerminalReason: 'cancelled' })
  })

  it('settles at a suspend if it was consumed, and stays open if not', async () => {
    const { session, start, wire } = await aRun('suspended')
    const run = await start()
    await eventually(() => expect(session.view.runs()).toHaveLength(1))
    const heard = session.view.steer('run-1', 'one')
    await heard.published
    const missed = session.view.steer('run-1', 'two')
    await missed.published
    let isSettled = false
    void missed.outcome.then(() => (isSettled = true))
    const first = await wire.hears((message) => message.data === 'one')
    await run.say('reply', 'Wait', [idOf(first)])
    await run.suspend()
    expect(await heard.outcome).toEqual({ consumed: true })
    expect(isSettled).toBe(false)
    await run.resume('reply')
    const second = await wire.hears((message) => message.data === 'two')
    await run.say('reply-2', 'Go', [idOf(second)])
    await run.end()
    expect(await missed.outcome).toEqual({ consumed: true, runTerminalReason: 'complete' })
  })

  it('is refused after the end, without a run, and if it is not a new message', async () => {
    const { session, active, start } = await aRun('refused')
    const run = await start()
    await active.started
    // @ts-expect-error a wish for another reply says nothing
    await expect(session.steer('run-1', { type: 'regenerate' }).published).rejects.toMatchObject({ code: 40003 })
    await expect(session.steer('nothing', 'x').published).rejects.toMatchObject({ code: 40003 })
    await run.end()
    await active.finished
    for (const { published, outcome } of [active.steer('late'), session.view.steer('run-1', 'late')]) {
      await expect(published).rejects.toMatchObject({ code: 40003, message: 'unable to steer the run; it has ended' })
      await expect(outcome).rejects.toMatchObject({ code: 40003 })
    }
  })

  it('survives a lost connection, and rejects with the session without an unhandled rejection', async () => {
    const { session, start, endpoint, wire } = await aRun('travelling')
    const run = await start()
    await eventually(() => expect(session.view.runs()).toHaveLength(1))
    const steer = session.steer('run-1', 'Make it cheap')
    await steer.published
    endpoint.breakContinuity('ai:travelling')
    const back = endpoint.dropConnection('alice', { refuseFor: 300 })
    await eventually(() => expect(session.status).toBe('reconnecting'))
    const message = await wire.hears((each) => each.data === 'Make it cheap')
    await run.say('reply', 'Take the bus', [idOf(message)])
    await run.suspend()
    back()
    expect(await steer.outcome).toEqual({ consumed: true })

    const open = session.steer('run-1', 'And warm')
    await open.published
    await session.close()
    await expect(open.outcome).rejects.toMatchObject({ code: 104004 })
    const waiting = session.steer('run-1', 'x')
    await expect(waiting.published).rejects.toMatchObject({ code: 104004 })
  })
})
