/** Milliseconds that work may take at a stretch: the page should react within ten. */
const sliceTime = 5

/** Takes step after step until one says that there is no more to do; every few milliseconds the page can react. */
export async function inSlices(step: () => boolean): Promise<void> {
  for (let end = performance.now() + sliceTime; step();) {
    if (performance.now() < end) continue
    await nextTask()
    end = performance.now() + sliceTime
  }
}

// NOTE: unlike a timer it is neither put off nor made to wait longer each time
const nextTask = (): Promise<void> =>
  new Promise((resolve) => {
    const { port1, port2 } = new MessageChannel()
    port1.addEventListener('message', () => {
      port1.close()
      resolve()
    })
    port1.start()
    port2.postMessage(undefined)
  })
