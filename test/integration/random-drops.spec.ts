import { setTimeout as sleep } from 'node:timers/promises'
import type { UIMessage } from 'ai'
import { expect, it } from 'vitest'
import type { ClientSession } from '../../src'
import { textChunks } from '../support/agent'
import { randomFrom } from '../support/channel-table'
import { eventually } from '../support/eventually'
import { startScene, textOf } from '../support/scene'

const runCount = 10
const tokenCount = 300
const dropCount = 100

/** The text of each reply, by its prompt, and the status of its run. */
const replies = (session: ClientSession<UIMessage>): string[] =>
  session.tree
    .runs()
    .map(({ runId, status, inputId }) => {
      const texts = session.tree.messagesOf(runId).map(({ message }) => textOf(message))
      return `${textOf(session.tree.message(inputId!)!)} ${status}: ${texts.join('|')}`
    })
    .toSorted()

it('S33 S34 S35 S36 all clients agree character for character after a hundred drops over ten runs', async () => {
  const seed = Number(process.env.SEED ?? Math.floor(Math.random() * 1_000_000))
  console.info(`random-drops: seed ${seed}`)
  const random = randomFrom(seed)
  const written: string[] = []
  let drops = 0
  // NOTE: text is written in step with the drops, so that all of them happen while it streams
  const isDue = (index: number) => index <= 5 + (drops / dropCount) * tokenCount
  const { open, endpoint, channelName } = await startScene('random-drops', {
    async respond(run) {
      const name = textOf(run.context().at(-1)!)
      const tokens = Array.from({ length: tokenCount }, (_, index) => `${name}.${index} `)
      written.push(`${name} complete: ${tokens.join('')}`)
      async function* stream() {
        let count = 0
        for (const chunk of textChunks(tokens)) {
          if (chunk.type === 'text-delta') count++
          while (!isDue(count)) await sleep(5)
          yield chunk
        }
      }
      await run.pipe(stream())
    },
  })
  const devices = ['alice', 'bob', 'carol', 'dave']
  const sessions = await Promise.all(devices.map((device) => open(device)))
  const runs = await Promise.all(
    Array.from({ length: runCount }, (_, index) => sessions[index % sessions.length]!.view.send(`q${index}`)),
  )
  await Promise.all(runs.map((run) => run.started))

  const drop = (device: string): void => {
    const how = random()
    if (how < 0.3) endpoint.refuseResume()
    if (how < 0.2) endpoint.breakContinuity(channelName)
    endpoint.dropConnection(device, { refuseFor: how > 0.7 ? 50 + random() * 150 : 0 })
  }
  while (drops < dropCount) {
    await sleep(10 + random() * 20)
    const device = devices[Math.floor(random() * devices.length)]!
    try {
      drop(device)
      drops++
    } catch {
      // No connection to drop: the client has not reconnected since the last drop
    }
  }

  expect(await Promise.all(runs.map((run) => run.finished))).toEqual(runs.map(() => ({ reason: 'complete' })))
  await eventually(() => expect(sessions.map(({ status }) => status)).toEqual(devices.map(() => 'ready')))
  const newcomer = await open('newcomer')
  await newcomer.view.loadUntil(() => false)
  const expected = written.toSorted()
  expect(replies(newcomer)).toEqual(expected)
  for (const session of sessions) expect(replies(session)).toEqual(expected)
})
