import type * as Ably from 'ably'
import type { UIMessage } from 'ai'
import { convertToModelMessages, stepCountIs, streamText } from 'ai'
import { createClientSession, UIMessageCodec, type ActiveRun, type ClientSession } from '../../src'
import { defineAgent, type Agent } from '../../src/agent'
import { eventually } from '../support/eventually'
import type { TestEndpoint } from '../support/local'
import type { Desk, DeskServer, Script } from './desk'
import type { Provider } from './dialect'
import { toolsOf } from './tools'

type Part = UIMessage['parts'][number] & { state?: string; toolCallId?: string; output?: unknown }

/** The value, which must be there. */
function need<T>(value: T | undefined | false, what: string): T {
  if (value === undefined || value === false) throw new Error(`expected: ${what}`)
  return value
}

/** A conversation with a provider's model: the real agent, the real channel, and one person. */
export class Stage {
  readonly desk: Desk
  readonly session: ClientSession<UIMessage>
  readonly #agent: Agent
  readonly #agentClient: Ably.Realtime
  /** Texts that have reached the agent. */
  readonly #heard: unknown[] = []
  readonly #steered: string[] = []
  #open: () => void = () => undefined
  readonly #gate = new Promise<void>((resolve) => (this.#open = resolve))

  constructor(endpoint: TestEndpoint, servers: DeskServer, provider: Provider, name: string, script: Script) {
    const { desk, baseURL } = servers.open(provider, script)
    this.desk = desk
    const tools = { ...toolsOf(this.#gate), ...provider.tools?.() }
    const { options: providerOptions } = provider
    this.#agentClient = endpoint.client({ clientId: 'agent' })
    this.#agent = defineAgent({
      client: () => this.#agentClient,
      errorText: () => 'overloaded',
      authorize: () => true,
      agents: 'agent',
      onError: () => undefined,
      onSteer: ({ inputId }) => (this.#steered.push(inputId), true),
      async respond(run) {
        for (let isRetried = false; run.hasInput() || isRetried;) {
          const messages = await convertToModelMessages(run.context())
          const { abortSignal } = run
          const stopWhen = stepCountIs(3)
          const result = streamText({ model: provider.model(baseURL), messages, abortSignal, tools, stopWhen, providerOptions, maxRetries: 0, onError() {} }) // prettier-ignore
          const { reason } = await run.pipe(result.toUIMessageStream({ onError: () => 'overloaded' }))
          // An agent that asks again after a failure, in the same run
          isRetried = reason === 'error' && !isRetried && script.retry !== undefined
        }
      },
    })
    this.session = createClientSession({
      client: endpoint.client({ clientId: 'alice' }),
      sessionName: name,
      codec: UIMessageCodec,
      agents: 'agent',
      agent: { url: 'http://agent.test/', fetch: (url, init) => this.#agent.fetch(new Request(url, init)) },
    })
  }

  async begin(): Promise<void> {
    await this.session.connect()
    await this.#agentClient.channels.get(this.session.sessionName).subscribe(({ data }) => void this.#heard.push(data))
    await this.session.view.loadOlder(50)
  }

  send(text: string): Promise<ActiveRun<UIMessage>> {
    return this.session.view.send(text)
  }

  /** Waits until a run is over, and that it ended so. */
  async ends(run: ActiveRun<UIMessage>, reason = 'complete'): Promise<void> {
    const ended = await run.finished
    need(ended.reason === reason, `the run ends "${reason}", not "${ended.reason}" (${ended.error?.message})`)
  }

  async stop(run: ActiveRun<UIMessage>): Promise<void> {
    await run.cancel()
    await this.ends(run, 'cancelled')
  }

  /** Waits until the provider holds an answer open. */
  async holds(): Promise<void> {
    await eventually(() => need(this.desk.isHolding, 'the provider holds an answer open'))
  }

  /** Waits until the newest reply shows such a part. */
  async shows(type: string, state?: string, more: (part: Part) => boolean = () => true): Promise<Part> {
    return eventually(() => {
      const part = this.#parts().find((each) => each.type === type && (!state || each.state === state) && more(each))
      return need(part, `the reply shows ${type} ${state ?? ''}`)
    })
  }

  #parts(): Part[] {
    const last = this.session.view.getMessages().at(-1)?.message
    return last?.role === 'assistant' ? last.parts : []
  }

  /** Waits until the agent has its own text back from the channel: contexts of other runs are read from there. */
  async isHeard(text: string): Promise<void> {
    await eventually(() => need(this.#heard.includes(text), `the agent hears "${text}"`))
  }

  async waits(run: ActiveRun<UIMessage>): Promise<void> {
    await eventually(() => need(run.status === 'suspended', 'the run waits'))
  }

  /** Answers an open call of the newest reply. */
  async answer(
    tool: string,
    how: { approved: boolean } | { output: unknown },
    as?: 'fork',
  ): Promise<ActiveRun<UIMessage>> {
    const { toolCallId = '' } = await this.shows(`tool-${tool}`)
    const answer = 'approved' in how ? UIMessageCodec.createToolApproval({ toolCallId, ...how }) : UIMessageCodec.createToolOutput({ toolCallId, ...how }) // prettier-ignore
    return this.session.view.answer(this.session.view.getMessages().at(-1)!.id, answer, { as })
  }

  /** Sends a message into a run, and waits until its agent has it. */
  async steer(run: ActiveRun<UIMessage>, text: string): Promise<void> {
    const { published } = run.steer(text)
    await published
    await eventually(() => need(this.#steered.length > 0, 'the agent has the steer'))
  }

  /** Lets the tool that waits for it return. */
  openGate(): void {
    this.#open()
  }

  async close(): Promise<void> {
    await this.session.close()
    await this.#agent.close()
  }
}
