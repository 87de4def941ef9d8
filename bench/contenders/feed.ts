/** A stream of the chunks that the test pushes. */
export function feed<T>(): { stream: ReadableStream<T>; push(...items: T[]): void } {
  let controller: ReadableStreamDefaultController<T>
  const stream = new ReadableStream<T>({ start: (given) => void (controller = given) })
  return { stream, push: (...items) => items.forEach((item) => controller.enqueue(item)) }
}
