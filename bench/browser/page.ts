import * as client from '../../src/index.ts'
import { aiSdk } from '../contenders/ai-sdk.ts'
import { floorChat } from '../contenders/floor-chat.ts'
import { ourChat } from '../contenders/our-chat.ts'
import { tanstack } from '../contenders/tanstack.ts'
import { drawList, type List } from './list.ts'

/** The cost of a token in a page. */
export interface PageCost {
  /** Microseconds until the token is in the page, without layout and paint. */
  readonly time: number
  /** Components that are rendered for it. */
  readonly drawn: number
}

const clients = [ourChat(client), floorChat, aiSdk, tanstack]
const batchSize = 100
const batchCount = 8

/** Streams to one client, token by token, each rendered before the next. */
async function measure(name: string, length: number): Promise<PageCost> {
  const chatClient = clients.find((each) => each.name === name)!
  let list: List | undefined
  const chat = await chatClient.open(length, (messages, textOf) => (list = drawList(messages, textOf)))
  const times: number[] = []
  let drawn = 0
  for (let batch = 0; batch < batchCount; batch++) {
    list!.drawn()
    const start = performance.now()
    for (let index = 0; index < batchSize; index++) {
      const delta = `token ${batch}.${index} `
      chat.hear([delta])
      await chat.shows(delta)
    }
    times.push(performance.now() - start)
    drawn = list!.drawn()
  }
  if (chat.count() !== length) throw new Error(`${name} shows ${chat.count()} of ${length} messages`)
  chat.close()
  list!.remove()
  // The first half only warms up
  const [quick] = times.slice(batchCount / 2).toSorted((a, b) => a - b)
  return { time: (quick! * 1000) / batchSize, drawn: drawn / batchSize }
}

declare global {
  var measureInPage: typeof measure
  var clientNames: readonly string[]
}
globalThis.measureInPage = measure
globalThis.clientNames = clients.map(({ name }) => name)
