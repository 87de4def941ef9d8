import { fork } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { setTimeout as sleep } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import * as Ably from 'ably'
import type { UIMessageChunk } from 'ai'
import type { Fault } from './endpoint.ts'
import { Random } from './random.ts'
import { converse, type House } from './room.ts'

process.env.NODE_ENV = 'production'
const { loadOurs, outDir } = await import('../ours.ts')

// `npm run soak -- --minutes 3 --seed 7`: conversations under faults; fails if a message is lost or memory
// grows
const { values } = parseArgs({ options: { minutes: { type: 'string' }, seed: { type: 'string' } } })
const minutes = Number(values.minutes ?? 10)
const seed = Number(values.seed ?? Date.now() % 100_000)
const roomCount = 5
const promptCount = 8
const growth = 1.1

setFlagsFromString('--expose-gc')
const collectGarbage = runInNewContext('gc') as () => void

const random = new Random(seed)
const failures: string[] = []
const fail = (what: string): void => {
  failures.push(what)
  console.error(`FAILED ${what}`)
}
process.on('unhandledRejection', (reason) => fail(`unhandled rejection: ${String(reason)}`))

const ours = await loadOurs()
const child = fork(fileURLToPath(new URL('endpoint.ts', import.meta.url)), [`${outDir}/local.js`])
const [{ options }] = (await once(child, 'message')) as [{ options: Ably.ClientOptions }]
const agentClient = new Ably.Realtime({ ...options, clientId: 'agent', logLevel: 0, disconnectedRetryTimeout: 100 })

const said = new Map<string, string>()
async function* answer(runId: string): AsyncGenerator<UIMessageChunk> {
  yield { type: 'start' }
  yield { type: 'text-start', id: 't' }
  const count = random.between(5, 200)
  for (let token = 0; token < count; token++) {
    const delta = `token ${token} `
    said.set(runId, `${said.get(runId) ?? ''}${delta}`)
    yield { type: 'text-delta', id: 't', delta }
    await sleep(random.between(0, 12))
  }
  yield { type: 'text-end', id: 't' }
  yield { type: 'finish', finishReason: 'stop' }
}

const errors = new Map<string, number>()
const agent = ours.agent.defineAgent({
  client: () => agentClient,
  authorize: () => true,
  onError(error) {
    const { code = 0, message } = error as { code?: number; message: string }
    const kind = `${code} ${message.slice(0, 60)}`
    errors.set(kind, (errors.get(kind) ?? 0) + 1)
  },
  respond: (run) => run.pipe(answer(run.runId)),
})

const house: House = {
  ours,
  random,
  options,
  said,
  fail,
  fetch: (url, init) => agent.fetch(new Request(url, init)),
  order: (fault: Fault) => void child.send(fault),
}

const start = performance.now()
const elapsed = (): number => (performance.now() - start) / 60_000
let rooms = 0
let runs = 0
/** Open conversations. */
const open = new Set<string>()
/** No conversation starts before this promise is fulfilled. */
let gate: Promise<void> = Promise.resolve()

async function keepRoom(): Promise<void> {
  while (elapsed() < minutes) {
    await gate
    const name = `ai:soak-${++rooms}`
    open.add(name)
    const count = await converse(house, name, promptCount)
    open.delete(name)
    runs += count
    if (rooms % 5 === 0) house.order({ fault: 'drop', clientId: 'agent', ms: random.between(0, 1000) })
  }
}

/** Memory in MB while no conversation is open, because open ones differ in size all the time. */
async function heap(): Promise<number> {
  const { promise, resolve } = Promise.withResolvers<void>()
  gate = promise
  while (open.size > 0) await sleep(100)
  // NOTE: the agent stays attached to a channel for two seconds
  await sleep(3000)
  collectGarbage()
  const { heapUsed } = process.memoryUsage()
  resolve()
  return heapUsed / 2 ** 20
}

console.info(`soak: seed ${seed}, ${minutes} minutes`)
const keeping = Promise.all(Array.from({ length: roomCount }, keepRoom))
await sleep(minutes * 0.2 * 60_000)
const early = await heap()
await sleep(Math.max(0, minutes * 0.95 - elapsed()) * 60_000)
const late = await heap()
await keeping
await agent.close()
agentClient.close()
child.disconnect()

console.info(`${rooms} conversations, ${runs} runs; heap ${early.toFixed(1)} MB early, ${late.toFixed(1)} MB late`)
for (const [kind, count] of errors) console.info(`  reported ${count} times: ${kind}`)
if (late > early * growth) fail(`the heap grew by ${((late / early - 1) * 100).toFixed(0)} %`)
process.exit(failures.length > 0 ? 1 : 0)
