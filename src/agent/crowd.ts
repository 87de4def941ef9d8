import { BusyError } from './misuse'

/** Counts what goes on in this process, and lets in no more than is allowed. */
export class Crowd {
  #size = 0

  constructor(private readonly limit: number) {}

  /**
   * Lets one in.
   * @returns how it leaves; to be called once
   * @throws {@link BusyError} when it is full
   */
  enter(): () => void {
    if (this.#size >= this.limit) throw new BusyError(`this agent answers ${this.limit} prompts already`)
    this.#size++
    return () => void this.#size--
  }
}
