/** The mode of the process; undefined where there is none, as in some edge runtimes. */
export const mode = (): string | undefined => globalThis.process?.env?.NODE_ENV

// NOTE: servers often run without NODE_ENV, which does not count as development
/** Whether checks may be left out, and whether clients may see the text of any error. */
export const isDevelopment = (): boolean => mode() === 'development' || mode() === 'test'

/** Prints a line in development. */
export function say(text: string): void {
  if (mode() === 'development') console.info(`[vue-ai-transport] ${text}`)
}

/** The default listener for errors. */
export const logError = (error: unknown): void => console.error('[vue-ai-transport]', error)

/** Wraps a listener for errors: reports come from within runs, so a faulty listener must not throw into them. */
export function guarded(listener: (error: unknown) => void): (error: unknown) => void {
  const reported = new WeakSet<object>()
  // NOTE: async, so that a listener that rejects is caught like one that throws
  const call = async (error: unknown): Promise<void> => {
    try {
      await (listener(error) as unknown)
    } catch (cause) {
      logError(cause)
    }
  }
  return (error) => {
    // NOTE: an agent may throw the error of its stream, which was reported when the stream failed
    if (typeof error === 'object' && error !== null) {
      if (reported.has(error)) return
      reported.add(error)
    }
    void call(error)
  }
}
