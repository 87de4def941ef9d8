/** An error as it goes over the wire. The SDK cannot read one that lacks any of the three. */
export interface ErrorInfo {
  code: number
  statusCode: number
  message: string
}

/** A refusal that the client is told about, by ERROR, NACK or an HTTP status. */
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

/** The wire form of anything thrown; what is not a {@link ProtocolError} is an internal error, 50000. */
export function toErrorInfo(error: unknown): ErrorInfo {
  if (error instanceof ProtocolError) {
    return { code: error.code, statusCode: error.statusCode, message: error.message }
  }
  return { code: 50_000, statusCode: 500, message: `internal error; ${String(error)}` }
}

/** A malformed request, 40000. */
export const badRequest = (message: string) => new ProtocolError(40_000, 400, message)

/** Credentials are fine, but do not allow this, 40160. */
export const notPermitted = (message: string) => new ProtocolError(40_160, 401, message)

/** No such message, key or path, 40400. */
export const notFound = (message: string) => new ProtocolError(40_400, 404, message)
