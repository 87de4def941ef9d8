import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { startEndpoint, type TestEndpoint } from '../support/local'
import { DeskServer } from './desk'
import type { Provider } from './dialect'
import { providers } from './providers'
import { Stage } from './stage'
import { states, type State } from './states'
import { say, toldTo } from './told'
import { next } from './words'

let endpoint: TestEndpoint
let server: DeskServer
beforeAll(async () => {
  endpoint = await startEndpoint({}, { until: 'file' })
  server = await new DeskServer().start()
})
afterAll(() => server.close())

let count = 0

const canBe = ({ needs = [] }: State, { lacks }: Provider): boolean => needs.every((need) => lacks[need] === undefined)

describe.concurrent.each(providers)('$name', (provider) => {
  it.each(states.filter((state) => canBe(state, provider)))('accepts the next prompt: $name', async (state) => {
    const stage = new Stage(endpoint, server, provider, `ai:matrix-${++count}`, state.script)
    try {
      await stage.begin()
      await state.enter(stage, provider)
      await stage.ends(await stage.send(next))
      const told = stage.desk.asked.findLast(({ lines }) =>
        lines.some((line) => line.role === 'user' && line.text === next),
      )
      // The whole conversation again, as a later prompt brings it
      await stage.ends(await stage.send('And now?'))
      expect(stage.desk.asked.flatMap(({ refusal }) => refusal?.message ?? [])).toEqual([])
      expect(told?.lines.map(say)).toEqual([...toldTo(provider, state.told), `user: ${next}`])
    } catch (error) {
      const refusals = stage.desk.asked.flatMap(({ refusal }) => refusal?.message ?? [])
      if (refusals.length > 0)
        throw new Error(`${provider.name} refused a request: ${refusals.join('; ')}`, { cause: error })
      throw error
    } finally {
      await stage.close()
    }
  })
})
