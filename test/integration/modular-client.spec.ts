import { BaseRealtime, FetchRequest, Rest, WebSocketTransport } from 'ably/modular'
import { expect, it, onTestFinished } from 'vitest'
import { eventually } from '../support/eventually'
import { shown, startScene } from '../support/scene'

it('a client built from `ably/modular` loads history, sends, cancels one of two runs, and catches up after an outage', async () => {
  const { endpoint, model, open } = await startScene('modular')
  const alice = await open('alice')
  const plugins = { WebSocketTransport, FetchRequest, Rest }
  const client = new BaseRealtime({
    ...endpoint.clientOptions({ clientId: 'bob' }),
    logLevel: 0,
    disconnectedRetryTimeout: 50,
    plugins,
  })
  onTestFinished(() => client.close())

  await alice.view.send('Lisbon?')
  const answer = await model.call(0)
  answer.say('By tram')
  await eventually(() => expect(shown(alice)).toEqual(['sent: Lisbon?', 'streaming: By tram']))

  const bob = await open('bob', { client })
  expect(shown(bob)).toEqual(['sent: Lisbon?', 'streaming: By tram'])
  const second = await bob.view.send('And Porto?')
  const other = await model.call(1)
  other.say('By train')
  await eventually(() => expect(shown(bob)[3]).toBe('streaming: By train'))
  await second.cancel()
  await expect(second.finished).resolves.toEqual({ reason: 'cancelled' })

  endpoint.dropConnection('bob', { refuseFor: 300 })
  answer.say(' and on foot')
  answer.finish()
  await eventually(() => expect(shown(alice)[1]).toBe('complete: By tram and on foot'))
  await eventually(() => expect(shown(bob)).toEqual(shown(alice)))
})
