import { reasonOf, SessionError } from '../core/errors'
import { HttpError } from './http-error'
import { Invocation } from './invocation'

/** Bytes. An invocation has two short strings; apps may add fields of their own. */
const maxBodySize = 8192

/** Reads the invocation from a wake-up request, which anybody may have sent. */
export async function readInvocation(request: Request): Promise<Invocation> {
  if (request.method !== 'POST') {
    throw new HttpError(405, `unable to accept ${request.method}; use POST`, undefined, { allow: 'POST' })
  }
  const type = request.headers.get('content-type')?.split(';')[0]?.trim().toLowerCase()
  if (type !== 'application/json') {
    throw new HttpError(415, 'unable to read the request; its content-type must be application/json')
  }
  return parse(await readText(request))
}

function parse(text: string): Invocation {
  let json: unknown
  try {
    json = JSON.parse(text)
  } catch (cause) {
    throw new HttpError(400, `unable to read the request; its body is not JSON: ${reasonOf(cause)}`)
  }
  try {
    return Invocation.fromJSON(json)
  } catch (cause) {
    throw new HttpError(400, reasonOf(cause), cause instanceof SessionError ? cause.code : undefined)
  }
}

/** Reads the body, but no more of it than is allowed, whatever its headers say. */
async function readText(request: Request): Promise<string> {
  const reader = (request.body as ReadableStream<Uint8Array> | null)?.getReader()
  const decoder = new TextDecoder()
  let text = ''
  let size = 0
  for (;;) {
    const { value, done } = (await reader?.read().catch(brokenOff)) ?? { value: undefined, done: true }
    if (done || !value) return text + decoder.decode()
    size += value.byteLength
    if (size > maxBodySize) {
      void reader?.cancel().catch(() => undefined)
      throw new HttpError(413, `unable to read the request; its body is larger than ${maxBodySize} bytes`)
    }
    text += decoder.decode(value, { stream: true })
  }
}

function brokenOff(cause: unknown): never {
  throw new HttpError(400, `unable to read the request; its body breaks off: ${reasonOf(cause)}`)
}
