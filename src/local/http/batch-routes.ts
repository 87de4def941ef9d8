import { permit } from '../auth/identity'
import { readChannelName } from '../channel/channel-name'
import { writePresence } from '../channel/member'
import { preparePublish } from '../channel/publish'
import { badRequest, toErrorInfo } from '../wire/error'
import { isRecord } from '../wire/protocol'
import { authorize, restPublisher, type Reply, type RouteContext } from './context'

const MAX_CHANNELS = 100

/** Since this protocol version, batch responses contain counts. */
const COUNTED_SINCE = 3

/** POST /messages: the same messages to several channels, each on its own. */
export async function publishBatch(context: RouteContext): Promise<Reply> {
  const { service } = context
  const identity = await authorize(context)
  const body = context.body()
  const specs = (Array.isArray(body) ? body : [body]).map(readSpec)
  const results = await Promise.all(
    specs.map(({ channels, messages }) =>
      Promise.all(
        channels.map((channel) =>
          attempt(channel, async () => {
            const idBase = service.ids(12)
            const { verdict, run } = preparePublish(
              service,
              restPublisher(service, identity, idBase),
              channel,
              messages,
            )
            await verdict.until
            return { serials: run(), messageId: `${idBase}:0` }
          }),
        ),
      ),
    ),
  )
  const isList = Array.isArray(body) && context.version >= COUNTED_SINCE
  return isList ? { status: 201, body: results.map(counted) } : batchReply(results.flat(), context, 201)
}

/** GET /presence?channels=a,b: the members of each. */
export async function presenceBatch(context: RouteContext): Promise<Reply> {
  const { service, query, format } = context
  const { grant } = await authorize(context)
  const channels = (query.get('channels') ?? query.get('channel') ?? '').split(',')
  const membersOf = (channel: string) => {
    const { name } = readChannelName(channel)
    permit(grant.capability, name, 'subscribe')
    const members = service.channels.find(name)?.presence.members ?? []
    return { presence: members.map((member) => writePresence(member, format)) }
  }
  const asked = channels.slice(0, MAX_CHANNELS)
  const results = await Promise.all(asked.map((channel) => attempt(channel, () => membersOf(channel))))
  return batchReply(results, context)
}

/** The response to a batch: a plain list for old clients, else with counts. */
export function batchReply(results: readonly object[], { version }: RouteContext, status = 200): Reply {
  return { status, body: version < COUNTED_SINCE ? results : counted(results) }
}

function counted(results: readonly object[]) {
  const failureCount = results.filter((result) => 'error' in result).length
  return { successCount: results.length - failureCount, failureCount, results }
}

async function attempt(channel: string, act: () => object | Promise<object>): Promise<object> {
  try {
    return { channel, ...(await act()) }
  } catch (error) {
    return { channel, error: toErrorInfo(error) }
  }
}

function readSpec(value: unknown): { channels: readonly string[]; messages: readonly unknown[] } {
  if (!isRecord(value)) throw badRequest('unable to read batch; not an object')
  const channels: unknown[] = Array.isArray(value.channels) ? value.channels : [value.channels]
  if (channels.length > MAX_CHANNELS)
    throw badRequest(`unable to publish to more than ${MAX_CHANNELS} channels at once`)
  if (!channels.every((channel) => typeof channel === 'string')) throw badRequest('unable to read batch; no channels')
  const messages: unknown[] = Array.isArray(value.messages) ? value.messages : [value.messages]
  return { channels, messages }
}
