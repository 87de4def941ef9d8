import { isRecord } from '../wire/protocol'
import { ProtocolError } from '../wire/error'

/** Channel patterns, each with its allowed operations; the operation `*` allows all. */
export type Capability = ReadonlyMap<string, readonly string[]>

/** Everything on every channel except metachannels. */
export const fullCapability: Capability = new Map([['*', ['*']]])

/** The operations that exist. */
const OPERATIONS: ReadonlySet<unknown> = new Set(
  (
    'publish subscribe history presence channel-metadata statistics privileged-headers ' +
    'message-update-own message-update-any message-delete-own message-delete-any ' +
    'annotation-publish annotation-subscribe annotation-delete-own annotation-delete-any ' +
    'object-publish object-subscribe push-subscribe push-admin'
  ).split(' '),
)

/**
 * Reads a capability from JSON text or from an object.
 * @throws ProtocolError 40003 if it is malformed
 */
export function readCapability(source: unknown): Capability {
  const value = typeof source === 'string' ? parse(source) : source
  if (!isRecord(value)) throw malformed()
  return new Map(Object.entries(value).map(([resource, operations]) => [resource, readOperations(operations)]))
}

/**
 * The canonical JSON: resources and operations sorted, no spaces.
 * @param rank - Sort key of an operation.
 */
export function writeCapability(capability: Capability, rank = pushLast): string {
  const resources = [...capability].toSorted(([a], [b]) => (a < b ? -1 : 1))
  const sorted = resources.map(([name, operations]) => [
    name,
    operations.toSorted((a, b) => (rank(a) < rank(b) ? -1 : 1)),
  ])
  return JSON.stringify(Object.fromEntries(sorted))
}

// NOTE: the service sorts push operations last
const pushLast = (operation: string) => (operation.startsWith('push-') ? `~${operation}` : operation)

// NOTE: the SDK sorts a requested capability by name and expects the same order back
/** The order of operations in a requested capability. */
export const byName = (operation: string) => operation

/** Whether the operation is allowed on the channel. */
export function allows(capability: Capability, channel: string, operation: string): boolean {
  for (const [resource, operations] of capability) {
    if ((operations.includes('*') || operations.includes(operation)) && covers(resource, channel)) return true
  }
  return false
}

/** The operations that both allow; empty if there are none. */
export function intersect(asked: Capability, held: Capability): Capability {
  const common = new Map<string, string[]>()
  for (const [a, wanted] of asked) {
    for (const [b, owned] of held) {
      const resource = covers(b, a) ? a : covers(a, b) ? b : undefined
      const operations = commonOperations(wanted, owned)
      if (resource === undefined || operations.length === 0) continue
      common.set(resource, [...new Set([...(common.get(resource) ?? []), ...operations])])
    }
  }
  return common
}

function commonOperations(wanted: readonly string[], owned: readonly string[]): readonly string[] {
  if (wanted.includes('*')) return owned
  return owned.includes('*') ? wanted : wanted.filter((operation) => owned.includes(operation))
}

/** Whether a pattern covers a channel name or a narrower pattern. */
function covers(pattern: string, name: string): boolean {
  if (pattern === name || pattern === '[*]*') return true
  if (name.startsWith('[')) return false
  const want = pattern.split(':')
  const have = name.split(':')
  const open = want.at(-1) === '*'
  // NOTE: a final `*` of the narrower pattern stands for many segments, so only a final `*` covers it
  if (have.at(-1) === '*' && !open) return false
  if (open ? have.length < want.length : have.length !== want.length) return false
  const fixed = open ? want.slice(0, -1) : want
  return fixed.every((segment, i) => segment === '*' || segment === have[i])
}

function parse(source: string): unknown {
  try {
    return JSON.parse(source)
  } catch {
    throw malformed()
  }
}

function readOperations(value: unknown): readonly string[] {
  if (!Array.isArray(value) || value.length === 0) throw malformed()
  if (value.length === 1 && value[0] === '*') return ['*']
  return value.map((operation) => {
    if (typeof operation !== 'string' || !OPERATIONS.has(operation)) throw malformed()
    return operation
  })
}

const malformed = () => new ProtocolError(40_003, 400, 'unable to read capability; use {"channel": ["operation"]}')
