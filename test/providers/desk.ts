import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { Answer, Json, Line, Provider, Refusal, Service } from './dialect'

/** A request that reached the provider. */
export interface Asked {
  readonly lines: readonly Line[]
  readonly refusal: Refusal | undefined
}

/** The answers to a prompt, one per request that ends with it. The last one repeats. `fail` is an error of the server. */
export type Script = Readonly<Record<string, readonly (Answer | 'fail')[]>>

const whole: Answer = { moves: [{ say: 'Fine.' }], ending: 'end' }

/** The provider's side of one conversation. */
export class Desk {
  readonly asked: Asked[] = []
  readonly #service: Service
  readonly #script: Script
  readonly #counts = new Map<string, number>()
  readonly #held = new Set<ServerResponse>()

  constructor(provider: Provider, script: Script) {
    this.#service = provider.open()
    this.#script = script
  }

  /** Whether an answer is held open. */
  get isHolding(): boolean {
    return this.#held.size > 0
  }

  /** Checks a request and streams the answer that the script has for it. */
  answer(body: Json, response: ServerResponse): void {
    const refusal = this.#service.check(body)
    const lines = refusal ? [] : this.#service.read(body)
    this.asked.push({ lines, refusal })
    const answer = this.#next(lines)
    if (refusal !== undefined || answer === 'fail') {
      const { status, message } = refusal ?? { status: 500, message: 'overloaded' }
      response.writeHead(status, { 'content-type': 'application/json' })
      response.end(
        JSON.stringify({ error: { message, type: 'error', code: null, param: null, status: 'ERROR' }, message }),
      )
      return
    }
    this.#stream(answer, response)
  }

  #next(lines: readonly Line[]): Answer | 'fail' {
    const prompt = lines.findLast(({ role }) => role === 'user') as { text: string } | undefined
    const answers = this.#script[prompt?.text ?? ''] ?? [whole]
    const count = this.#counts.get(prompt?.text ?? '') ?? 0
    this.#counts.set(prompt?.text ?? '', count + 1)
    return answers[Math.min(count, answers.length - 1)]!
  }

  #stream(answer: Answer, response: ServerResponse): void {
    response.writeHead(200, { 'content-type': 'text/event-stream' })
    for (const event of this.#service.write(answer)) {
      const name = event.type === undefined ? '' : `event: ${event.type as string}\n`
      response.write(`${name}data: ${JSON.stringify(event)}\n\n`)
    }
    if (answer.ending === 'end') {
      this.#service.finished?.()
      response.end()
    } else if (answer.ending === 'break') {
      response.write('data: {"type":"error","error":{"type":"overloaded_error","message":"overloaded"}}\n\n', () =>
        response.destroy(),
      )
    } else {
      response.flushHeaders()
      this.#held.add(response)
      response.once('close', () => this.#held.delete(response))
    }
  }
}

/** One server for all providers; each conversation has an address of its own. */
export class DeskServer {
  readonly #desks = new Map<string, Desk>()
  readonly #server = createServer((request, response) => void this.#handle(request, response))

  async start(): Promise<this> {
    await new Promise<void>((resolve) => this.#server.listen(0, '127.0.0.1', resolve))
    return this
  }

  /** Opens a conversation with a provider, and gives its address. */
  open(provider: Provider, script: Script): { desk: Desk; baseURL: string } {
    const desk = new Desk(provider, script)
    const key = String(this.#desks.size)
    this.#desks.set(key, desk)
    return { desk, baseURL: `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}/${key}` }
  }

  async #handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    let text = ''
    for await (const chunk of request) text += String(chunk)
    const key = request.url?.split('/')[1] ?? ''
    try {
      this.#desks.get(key)!.answer(JSON.parse(text) as Json, response)
    } catch (error) {
      response.writeHead(400).end(String((error as Error).stack))
    }
  }

  async close(): Promise<void> {
    this.#server.closeAllConnections()
    await new Promise((resolve) => this.#server.close(resolve))
  }
}
