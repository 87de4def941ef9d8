import { Header } from '../core/wire'

/** What a run ended with, if not well. */
export interface RunFailure {
  /** A number; others see it as the error's code. */
  readonly code?: unknown
  readonly message: string
}

/** What an error has to say, whatever was given for one: a run whose end cannot be told looks active for ever. */
export function failureOf(error: unknown): RunFailure | undefined {
  if (error === undefined || error === null) return undefined
  const { code, message } = error as { code?: unknown; message?: unknown }
  const said = typeof error === 'object' ? message : error
  return { code, message: typeof said === 'string' ? said : jsonOf(said) }
}

function jsonOf(value: unknown): string {
  try {
    return JSON.stringify(value) ?? ''
  } catch {
    return ''
  }
}

// NOTE: readers ignore messages whose headers are too long, and a run must not stay open for a long stack trace
const maxMessageLength = 1000

/** How a run's end tells what it failed of. */
export function failureHeaders({ code, message }: RunFailure): Record<string, string | undefined> {
  const isNumber = typeof code === 'number' && Number.isFinite(code)
  return {
    [Header.errorCode]: isNumber ? String(code) : undefined,
    [Header.errorMessage]: message.slice(0, maxMessageLength),
  }
}
