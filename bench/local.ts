import { fork, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { setTimeout as sleep } from 'node:timers/promises'
import * as Ably from 'ably'
import { build } from 'vite'
import { here } from '../scripts/entries.ts'

// `node bench/local.ts` measures how fast one subscriber is served; `node bench/local.ts soak 10` loads the endpoint for
// ten minutes and compares its heap at the end with that after two.

const outDir = here('node_modules/.cache/bench-local')

/** An endpoint in its own process. */
interface Subject {
  options: Ably.ClientOptions
  child: ChildProcess
  heap(): Promise<{ heap: number; cpu: NodeJS.CpuUsage }>
}

async function start(limits: object = {}): Promise<Subject> {
  await build({
    configFile: false,
    logLevel: 'error',
    build: {
      outDir,
      emptyOutDir: true,
      minify: false,
      target: 'es2023',
      lib: { entry: { local: here('src/local/index.ts') }, formats: ['es'] },
      rolldownOptions: { external: /^(node:|[@\w])/ },
    },
  })
  const args = [`${outDir}/local.js`, JSON.stringify(limits)]
  const child = fork(here('bench/local-endpoint.ts'), args, { execArgv: ['--expose-gc'] })
  const [{ options }] = (await once(child, 'message')) as [{ options: Ably.ClientOptions }]
  const heap = async () => {
    child.send('heap')
    const [answer] = (await once(child, 'message')) as [Awaited<ReturnType<Subject['heap']>>]
    return answer
  }
  return { options: { ...options, logLevel: 0, disconnectedRetryTimeout: 100 }, child, heap }
}

/** Publishes this many messages a second for some seconds, and measures when they reach one subscriber. */
async function throughput(rate = 5_000, seconds = 10): Promise<boolean> {
  const { options, child, heap } = await start()
  const [publish, subscriber] = [await openPublisher(options), new Ably.Realtime(options)]
  const delays: number[] = []
  await subscriber.channels.get('ai:load').subscribe(({ data }) => void delays.push(performance.now() - Number(data)))
  const before = (await heap()).cpu

  const began = performance.now()
  for (let sent = 0; sent < rate * seconds; await sleep(5)) {
    const due = Math.min(rate * seconds, ((performance.now() - began) / 1_000) * rate)
    for (; sent < due; sent++) publish(String(performance.now()))
  }
  while (delays.length < rate * seconds && performance.now() - began < seconds * 3_000) await sleep(5)
  const took = (performance.now() - began) / 1_000

  const { cpu } = await heap()
  const busy = (cpu.user + cpu.system - before.user - before.system) / 1e6 / took
  delays.sort((a, b) => a - b)
  const at = (part: number) => delays[Math.floor(delays.length * part)]?.toFixed(1)
  const perSecond = delays.length / took
  console.log(
    `${delays.length} of ${rate * seconds} messages in ${took.toFixed(2)} s: ${perSecond.toFixed(0)} a second`,
  )
  console.log(
    `delay in ms: median ${at(0.5)}, 99 % below ${at(0.99)}; endpoint busy ${(busy * 100).toFixed(0)} % of a core`,
  )
  await stop(child, [subscriber])
  return delays.length === rate * seconds && perSecond > rate * 0.95
}

/** A publisher that uses almost no CPU time, so that the two cores are left to endpoint and subscriber. */
async function openPublisher({ endpoint, port, key = '' }: Ably.ClientOptions): Promise<(data: string) => void> {
  const socket = new WebSocket(`ws://${endpoint}:${port}/?v=6&format=json&key=${encodeURIComponent(key)}`)
  await new Promise((resolve) => socket.addEventListener('message', resolve, { once: true }))
  let msgSerial = 0
  return (data) =>
    socket.send(JSON.stringify({ action: 15, channel: 'ai:load', msgSerial: msgSerial++, messages: [{ data }] }))
}

/** Loads an endpoint with conversations that start and end, and compares its heap over time. */
async function soak(minutes: number): Promise<boolean> {
  const limits = { maxChannels: 50, maxChannelMessages: 500, maxStoredBytes: 16 * 1024 * 1024 }
  const { options, child, heap } = await start(limits)
  const clients = Array.from({ length: 10 }, (_, i) => new Ably.Realtime({ ...options, clientId: `client-${i}` }))
  const end = Date.now() + minutes * 60_000
  let answers = 0
  const talk = async (client: Ably.Realtime) => {
    while (Date.now() < end) {
      await converse(client, `ai:soak-${Math.floor(Math.random() * 200)}`).catch(() => undefined)
      answers++
    }
  }
  const talking = Promise.all(clients.map(talk))
  const drops = setInterval(() => child.send('drop'), 5_000)

  const settled = Math.min(2, minutes / 2) * 60_000
  await sleep(settled)
  const early = (await heap()).heap
  for (let left = end - Date.now(); left > 0; left = end - Date.now()) {
    await sleep(Math.min(left, 30_000))
    console.log(`${answers} answers, heap ${megabytes((await heap()).heap)}`)
  }
  clearInterval(drops)
  await talking
  const late = (await heap()).heap
  console.log(`heap after ${settled / 60_000} min ${megabytes(early)}, after ${minutes} min ${megabytes(late)}`)
  await stop(child, clients)
  return late < early * 1.1
}

/** One reply: present while it streams, token by token, on a channel that is detached afterwards. */
async function converse(client: Ably.Realtime, name: string): Promise<void> {
  const channel = client.channels.get(name)
  await channel.presence.enter()
  const { serials } = await channel.publish('answer', '')
  const tokens = Array.from({ length: 50 }, (_, i) =>
    channel.appendMessage({ serial: serials[0]!, data: `token ${i} ` }),
  )
  await Promise.all(tokens)
  await channel.history({ limit: 10 })
  await channel.detach()
  client.channels.release(name)
}

async function stop(child: ChildProcess, clients: Ably.Realtime[]): Promise<void> {
  for (const client of clients) client.close()
  const gone = once(child, 'exit')
  child.send('stop')
  await gone
}

const megabytes = (bytes: number) => `${(bytes / 1024 / 1024).toFixed(1)} MB`

const [name, minutes = '10'] = process.argv.slice(2)
const isFine = name === 'soak' ? await soak(Number(minutes)) : await throughput()
console.log(isFine ? 'as promised' : 'NOT as promised')
process.exitCode = isFine ? 0 : 1
