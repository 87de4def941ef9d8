/** Whether this is a developer's build, where mistakes are told on the console. */
export function isDevelopment(): boolean {
  try {
    return process.env.NODE_ENV !== 'production'
  } catch {
    // NOTE: bundlers put the mode in place of that expression; a page without one has no `process`
    return false
  }
}
