const { setTimeout: real } = globalThis

/** The time in which a server has to read a conversation before it renders a page without it. */
const readLimit = 3000

// NOTE: a busy machine needs longer for 200 pages at once
const patient = (callback: () => void, delay?: number, ...rest: []) =>
  real(callback, delay === readLimit ? 200_000 : delay, ...rest)

globalThis.setTimeout = Object.assign(patient, real)
