import { expect, it, onTestFinished } from 'vitest'
import { createClientSession, ownerOnly, UIMessageCodec } from '../../src'
import { joinWire, named, transportOf } from '../support/agent'
import { eventually } from '../support/eventually'
import { startEndpoint } from '../support/local'

const ownCount = 150
const foreignCount = 50

it('"interrupt" and "Stop all" with hundreds of runs: one paced cancel per own run, none twice, and the prompt is accepted', async () => {
  const endpoint = await startEndpoint({ limits: { maxInboundRate: 50, maxChannelRate: 50 } })
  const name = 'ai:stop-all'
  const session = createClientSession({
    client: endpoint.client({ clientId: 'alice' }),
    channelName: name,
    codec: UIMessageCodec,
    agents: 'agent',
    policy: ownerOnly,
  })
  onTestFinished(() => session.close())
  await session.connect()
  const { heard } = await joinWire(endpoint.client({ clientId: 'carol' }), name)
  const agent = endpoint.rest({ clientId: 'agent' }).channels.get(name)
  const start = (owner: string, index: number) => {
    const transport = {
      'run-id': `${owner}-${index}`,
      'run-client-id': owner,
      'input-client-id': owner,
      'invocation-id': `${owner}-${index}`,
    }
    return { name: 'ai-run-start', extras: { ai: { transport } } }
  }
  const starts = [
    ...Array.from({ length: ownCount }, (_, index) => start('alice', index)),
    ...Array.from({ length: foreignCount }, (_, index) => start('mallory', index)),
  ]
  for (let from = 0; from < starts.length; from += 50) {
    const batch = starts.slice(from, from + 50)
    await eventually(() => agent.publish(batch))
  }
  // Other publishers use up most of the rate of the channel meanwhile
  const noise = endpoint.client({ clientId: 'dora' }).channels.get(name)
  const timer = setInterval(() => void noise.publish('noise', '').catch(() => undefined), 40)
  onTestFinished(() => clearInterval(timer))
  await eventually(() => expect(session.runs('session')).toHaveLength(ownCount + foreignCount))

  const stopping = session.cancelAll()
  const sent = session.view.send('next', { whenBusy: 'interrupt', wake: false })
  await Promise.all([stopping, sent])
  await session.cancelAll()
  await session.view.send('last', { whenBusy: 'interrupt', wake: false })
  await eventually(() => expect(heard.filter(({ name: kind }) => kind === 'ai-input')).toHaveLength(2))
  const cancels = heard.filter(({ name: kind }) => kind === 'ai-cancel').map(transportOf)
  // The prompt that no agent has accepted yet is cancelled as well, by its message id
  const cancelled = cancels.flatMap(({ 'run-id': runId }) => runId ?? [])
  expect(cancels).toHaveLength(ownCount + 1)
  expect(cancelled.toSorted()).toEqual(Array.from({ length: ownCount }, (_, index) => `alice-${index}`).toSorted())
  expect(session.error).toBeUndefined()
  expect(heard.some(named('ai-run-end'))).toBe(false)
})
