/** Something that is made on first use, and anew when that has failed or what was made is of no use any more. */
export class Renewed<T> {
  #making: Promise<T> | undefined
  #made: T | undefined

  constructor(
    private readonly make: () => Promise<T>,
    private readonly isOver: (made: T) => boolean,
    /** Called with what is of no use any more. */
    private readonly leave: (made: T) => void,
  ) {}

  /** What there is; undefined before it is made. */
  get made(): T | undefined {
    return this.#made
  }

  /** What there is, or what is made for it. Rejects when that fails. */
  get(): Promise<T> {
    if (this.#made !== undefined && this.isOver(this.#made)) {
      this.leave(this.#made)
      this.#made = this.#making = undefined
    }
    return (this.#making ??= this.#attempt())
  }

  async #attempt(): Promise<T> {
    try {
      return (this.#made = await this.make())
    } catch (error) {
      this.#making = undefined
      throw error
    }
  }
}
