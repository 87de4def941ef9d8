/** Something that can be read reactively and announced as changed. */
export interface Signal {
  /** Notes that the running effect depends on this signal. */
  track(): void
  /** Announces a change. */
  trigger(): void
}

/**
 * How the core tells a UI framework about its state without knowing one. Vue's reactivity fills it in the browser;
 * the agent uses {@link plainPort}.
 */
export interface ReactivePort {
  /** The observable form of an object; writes through it are seen. The same object always gives the same result. */
  observe<T extends object>(value: T): T
  /** Marks a value that is replaced whole and never observed inside. */
  opaque<T>(value: T): T
  signal(): Signal
}

const silent: Signal = { track() {}, trigger() {} }

/** No reactivity: objects stay as they are. */
export const plainPort: ReactivePort = {
  observe: (value) => value,
  opaque: (value) => value,
  signal: () => silent,
}
