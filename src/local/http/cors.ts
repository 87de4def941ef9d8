const METHODS = 'GET,POST,PUT,PATCH,DELETE'
const EXPOSED = 'Link,X-Ably-ErrorCode,X-Ably-ErrorMessage,X-Ably-Version,Content-Type'

/** Headers that let a page of that origin read an answer. The SDK sends credentials, so `*` would not do. */
export function corsHeaders(origin: string | undefined): Record<string, string> {
  if (origin === undefined) return {}
  return {
    'Access-Control-Allow-Origin': origin,
    'Access-Control-Allow-Credentials': 'true',
    'Access-Control-Expose-Headers': EXPOSED,
    Vary: 'Origin',
  }
}

/** Headers that let it send the request in the first place. */
export function preflightHeaders(origin: string | undefined, asked: string | undefined): Record<string, string> {
  return {
    ...corsHeaders(origin),
    'Access-Control-Allow-Methods': METHODS,
    'Access-Control-Allow-Headers': asked ?? 'authorization,content-type,x-ably-version,ably-agent,x-ably-clientid',
    'Access-Control-Max-Age': '600',
  }
}
