import { fork } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { setTimeout as sleep } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import type * as Ably from 'ably'
import { here } from '../../scripts/entries.ts'
import { Agents } from './agents.ts'
import type { Fault } from './endpoint.ts'
import { Random } from './random.ts'
import { Room, type House } from './room.ts'

process.env.NODE_ENV = 'production'
const { loadOurs } = await import('../ours.ts')

/**
 * `npm run soak -- --minutes 3 --seed 7`: conversations while agents are killed and restarted, connections drop, and the
 * channel refuses messages. Each minute is a round: half of it chat, then all agents die, and every run must be settled.
 */
const { values } = parseArgs({ options: { minutes: { type: 'string' }, seed: { type: 'string' } } })
const minutes = Number(values.minutes ?? 10)
const seed = Number(values.seed ?? Date.now() % 100_000)
const roomCount = 4
const chatTime = 25_000
const growth = 1.1

setFlagsFromString('--expose-gc')
const collectGarbage = runInNewContext('gc') as () => void

const realNow = Date.now.bind(Date)
let skipped = 0
Date.now = () => realNow() + skipped

const random = new Random(seed)
const failures: string[] = []
const fail = (fault: string): void => {
  failures.push(fault)
  console.error(`FAILED seed ${seed}: ${fault}`)
}
process.on('unhandledRejection', (reason) => fail(`unhandled rejection: ${String(reason)}`))

// NOTE: a folder of its own, so that several seeds can run side by side
const outDir = here(`node_modules/.cache/soak-${seed}`)
const ours = await loadOurs(outDir)
const endpoint = fork(fileURLToPath(new URL('endpoint.ts', import.meta.url)), [`${outDir}/local.js`])
const [{ options }] = (await once(endpoint, 'message')) as [{ options: Ably.ClientOptions }]
const order = (fault: Fault): void => void endpoint.send(fault)
const agents = new Agents([`${outDir}/agent.js`, JSON.stringify(options)], random, fail)

const chat = { isOver: false }
const house: House = { ours, random, options, fetch: agents.fetch, isOver: () => chat.isOver, fail, order }

/** Kills and restarts agents, and drops their connections, until the chat is over. */
async function cause(): Promise<void> {
  while (!chat.isOver) {
    await sleep(random.between(1000, 5000))
    if (chat.isOver) return
    if (random.chance(0.3)) order({ fault: 'drop', clientId: 'agent', ms: random.between(0, 3000) })
    else if (random.chance(0.6)) await agents.stop('SIGKILL')
    else await agents.stop('SIGTERM')
    if (agents.count < 2 && random.chance(0.8)) await agents.start()
  }
}

let rounds = 0
let rooms = 0
let runs = 0

async function playRound(): Promise<void> {
  rounds++
  chat.isOver = false
  while (agents.count < 2) await agents.start()
  const open = await Promise.all(Array.from({ length: roomCount }, () => Room.open(house, `ai:soak-${++rooms}`)))
  const chatting = Promise.all([...open.map((room) => room.chat()), cause()])
  await sleep(chatTime)
  chat.isOver = true
  await chatting
  await agents.stopAll('SIGKILL')
  await sleep(30_000)
  for (const room of open) room.checkStalled()
  await agents.start()
  await Promise.all(open.map((room) => room.stopSome()))
  skipped += 121_000
  order({ fault: 'skip', ms: 121_000 })
  await agents.start()
  await Promise.all(open.map((room) => room.settle()))
  for (const room of open) runs += await room.check()
}

/** Megabytes that are kept while no conversation is open. */
async function heap(): Promise<number> {
  await sleep(1000)
  collectGarbage()
  return process.memoryUsage().heapUsed / 2 ** 20
}

console.info(`soak: seed ${seed}, ${minutes} minutes`)
const start = performance.now()
await playRound()
const early = await heap()
while (performance.now() - start < minutes * 60_000) await playRound()
const late = await heap()
await agents.stopAll('SIGTERM')
endpoint.disconnect()

console.info(
  `${rounds} rounds, ${rooms} conversations, ${runs} runs; heap ${early.toFixed(1)} MB early, ${late.toFixed(1)} MB late`,
)
for (const [kind, count] of agents.errors) console.info(`  reported ${count} times: ${kind}`)
if (late > early * growth) fail(`the heap grew by ${((late / early - 1) * 100).toFixed(0)} %`)
process.exit(failures.length > 0 ? 1 : 0)
