import type { ServerResponse } from 'node:http'
import type { ActiveFault } from '../shared/faults'

/** Tells open pages which failures are active, as server-sent events. */
export class FaultFeed {
  readonly #active: () => readonly ActiveFault[]
  readonly #pages = new Set<ServerResponse>()

  constructor(active: () => readonly ActiveFault[]) {
    this.#active = active
  }

  /** Answers a page, which stays connected. */
  add(page: ServerResponse): void {
    page.writeHead(200, { 'content-type': 'text/event-stream', 'cache-control': 'no-store' })
    this.#pages.add(page)
    page.once('close', () => this.#pages.delete(page))
    page.write(this.#event())
  }

  /** Sends the active failures to all pages. */
  send(): void {
    for (const page of this.#pages) page.write(this.#event())
  }

  /** Ends all answers. */
  close(): void {
    for (const page of this.#pages) page.end()
  }

  #event(): string {
    return `data: ${JSON.stringify(this.#active())}\n\n`
  }
}
