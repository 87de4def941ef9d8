/** An error on the wire. The SDK needs all three fields. */
export interface ErrorInfo {
  code: number
  statusCode: number
  message: string
}

/** An error that the client receives, by ERROR, NACK or an HTTP status. */
export class ProtocolError extends Error implements ErrorInfo {
  override readonly name = 'ProtocolError'

  constructor(
    /** Ably's error code, five digits. */
    readonly code: number,
    /** The HTTP status that goes with it. */
    readonly statusCode: number,
    message: string,
  ) {
    super(message)
  }
}

/** The wire form of a thrown value; any value but a {@link ProtocolError} is an internal error, 50000. */
export function toErrorInfo(error: unknown): ErrorInfo {
  if (error instanceof ProtocolError) {
    return { code: error.code, statusCode: error.statusCode, message: error.message }
  }
  return { code: 50_000, statusCode: 500, message: `internal error; ${String(error)}` }
}

/** A malformed request, 40000. */
export const badRequest = (message: string) => new ProtocolError(40_000, 400, message)

/** The credentials are valid but do not allow this, 40160. */
export const notPermitted = (message: string) => new ProtocolError(40_160, 401, message)

/** The message, key or path does not exist, 40400. */
export const notFound = (message: string) => new ProtocolError(40_400, 404, message)
