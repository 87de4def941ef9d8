import { isRecord } from '../wire/protocol'
import { ProtocolError } from '../wire/error'

/** Channel patterns, each with the operations allowed there; `*` among the operations means all of them. */
export type Capability = ReadonlyMap<string, readonly string[]>

/** Everything on every channel, metachannels aside. */
export const fullCapability: Capability = new Map([['*', ['*']]])

/** Operations that a capability may name. */
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
 * @param rank what operations are sorted by
 */
export function writeCapability(capability: Capability, rank = pushLast): string {
  const resources = [...capability].toSorted(([a], [b]) => (a < b ? -1 : 1))
  const sorted = resources.map(([name, operations]) => [
    name,
    operations.toSorted((a, b) => (rank(a) < rank(b) ? -1 : 1)),
  ])
  return JSON.stringify(Object.fromEntries(sorted))
}

// NOTE: the service puts what is about push behind all else
const pushLast = (operation: string) => (operation.startsWith('push-') ? `~${operation}` : operation)

// NOTE: not so where a token asks for something: the SDK sorts by name what it asks for, and gets that back
/** The order of operations in what was asked for. */
export const byName = (operation: string) => operation

/** Whether the operation is allowed on the channel. */
export function allows(capability: Capability, channel: string, operation: string): boolean {
  for (const [resource, operations] of capability) {
    if ((operations.includes('*') || operations.includes(operation)) && covers(resource, channel)) return true
  }
  return false
}

/** What both allow. Empty if they have nothing in common. */
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

/** Whether a pattern takes in a channel name or another, narrower pattern. */
function covers(pattern: string, name: string): boolean {
  if (pattern === name || pattern === '[*]*') return true
  if (name.startsWith('[')) return false
  const want = pattern.split(':')
  const have = name.split(':')
  const open = want.at(-1) === '*'
  // NOTE: a final `*` of the narrower pattern stands for many segments, so only a final `*` may take it in
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
