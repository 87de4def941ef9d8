import type { UIMessage, UIMessageChunk } from 'ai'
import { beforeAll, expect, it, onTestFinished } from 'vitest'
import { createClientSession, UIMessageCodec } from '../../src'
import { named, streamOf } from '../support/agent'
import { eventually } from '../support/eventually'
import { startEndpoint, type TestEndpoint } from '../support/local'
import { wokenAgent } from '../support/woken-agent'

let endpoint: TestEndpoint
beforeAll(async () => {
  endpoint = await startEndpoint({}, { until: 'file' })
})

const parts = [null, false, 0, '', [], {}].map((data, index) => ({ type: 'data-odd' as const, id: `${index}`, data }))

it('data parts of any JSON value arrive as they are, in prompts and in replies, live and from history', async () => {
  const chunks: UIMessageChunk[] = [{ type: 'start' }, ...parts, { type: 'finish' }]
  const { name, alice, wake } = await wokenAgent(endpoint, { respond: (run) => run.pipe(streamOf(chunks)) })
  const open = async (clientId: string) => {
    const session = createClientSession({
      client: endpoint.client({ clientId }),
      sessionName: name,
      codec: UIMessageCodec,
      agent: async ({ inputEventId }) => void (await wake(inputEventId)),
    })
    onTestFinished(() => session.close())
    await session.connect()
    return session
  }
  const bob = await open('bob')
  const message: UIMessage = { id: 'odd', role: 'user', parts }
  await bob.view.send(message)
  await alice.hears(named('ai-run-end'))
  const carol = await open('carol')
  await carol.view.loadOlder(20)
  for (const { view } of [bob, carol])
    await eventually(() => expect(view.getMessages().map((shown) => dataOf(shown.message))).toEqual([parts, parts]))
})

const dataOf = ({ parts: all }: UIMessage): unknown[] => all.filter(({ type }) => type === 'data-odd')
