import { it, vi } from 'vitest'
import { historyOf } from '../support/channel-table'
import { Listener } from '../support/listener'
import { readTranscript } from '../support/transcripts'
it('x', async () => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
  for (const [name, count] of [['two-pipes', 7], ['user-multipart', 10]] as const) {
  const { wire, expected } = readTranscript(name)
  const late = await Listener.on(historyOf(wire.slice(0, count)), 3)
  late.hear(wire.slice(count))
  await late.readBack()
  const a = JSON.stringify(late.newcomerState([]).messages, null, 1).split('\n')
  const b = JSON.stringify(expected.history.messages, null, 1).split('\n')
  console.log(a.map((l, i) => l === b[i] ? '' : `${l}   |   ${b[i]}`).filter(Boolean).join('\n'))
  const c = JSON.stringify(late.newcomerState([]).runs, null, 1).split('\n')
  const d = JSON.stringify(expected.history.runs, null, 1).split('\n')
  console.log(c.map((l, i) => l === d[i] ? '' : `${l}   |   ${d[i]}`).filter(Boolean).join('\n'))
  }
})
