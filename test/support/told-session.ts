import type { InboundMessage, Message } from 'ably'
import { onTestFinished } from 'vitest'
import { UIMessageCodec } from '../../src/codec'
import type { Policy } from '../../src/core/access'
import { ClientSession } from '../../src/session/client-session'
import type { AgentTarget } from '../../src/session/context'
import { vuePort } from '../../src/store/vue-port'
import { type prompt, runMessage } from '../core/wire'
import { FakeChannel, fakeAbly } from './fake-ably'

/** Time for promises and wake-ups to settle. */
export const soon = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, 5))
export const refusal = Object.assign(new Error('too large'), { code: 40_009 })

/** A session whose publishes the test refuses or holds back. */
export async function aSession(
  past: ReturnType<typeof prompt>[] = [],
  agent?: AgentTarget,
  policy?: Policy,
  loaded = 10,
) {
  const channel = new FakeChannel((from, to) => past.toReversed().slice(from, to) as InboundMessage[])
  const woken: string[] = []
  const session = new ClientSession({
    client: fakeAbly(channel),
    sessionName: channel.name,
    codec: UIMessageCodec,
    flush: 'sync',
    agent: agent ?? (({ inputEventId }) => void woken.push(inputEventId)),
    port: vuePort,
    policy,
  })
  // NOTE: its timers would go on in the next test, whose clock may stand still
  onTestFinished(() => void session.close())
  await session.connect()
  if (past.length > 0 && loaded > 0) await session.view.loadOlder(loaded)
  const published: Message[] = []
  const deliver = channel.publish.bind(channel)
  /** The results of the next publishes of a name, in their order; publishes without a result succeed. */
  const fates: { name: string; fate: () => Promise<never> }[] = []
  channel.publish = async (given) => {
    const messages = [given].flat()
    const index = fates.findIndex(({ name }) => name === messages[0]!.name)
    published.push(...messages)
    if (index >= 0) await fates.splice(index, 1)[0]!.fate()
    return deliver(given)
  }
  return {
    channel,
    session,
    view: session.view,
    woken,
    published,
    deliver,
    hear: (...messages: ReturnType<typeof prompt>[]) => {
      for (const message of messages) channel.deliver(message as InboundMessage)
    },
    refuse: (name: string, fate: () => Promise<never> = () => Promise.reject(refusal)) => fates.push({ name, fate }),
    shown: () => session.view.getMessages().map(({ message, state }) => `${state}: ${textOf(message)}`),
    names: () => published.map(({ name, data }) => [name, data].filter(Boolean).join(' ')),
  }
}

const textOf = ({ parts }: { parts: readonly object[] }): string =>
  parts.map((part) => ('text' in part ? String(part.text) : '')).join('')
export const headerOf = (message: Message | undefined, header: string): unknown =>
  (message?.extras as { ai: { transport: Record<string, unknown> } } | undefined)?.ai.transport[header]
export const started = (run: string, input?: string) =>
  runMessage('ai-run-start', run, {
    'invocation-id': `${run}-1`,
    ...(input !== undefined && { 'input-codec-message-id': input, parent: input }),
  })
export const ended = (run: string) =>
  runMessage('ai-run-end', run, { 'invocation-id': `${run}-1`, 'run-reason': 'complete' })
