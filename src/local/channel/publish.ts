import { badRequest, ProtocolError } from '../wire/error'
import type { Channel } from './channel'
import { namespaceOf, readChannelName } from './channel-name'
import { permit, stampClientId, type Identity } from '../auth/identity'
import type { Change } from './log'
import { checkSize, readMessage, type IncomingMessage, type StoredMessage } from './message'
import { MessageAction } from '../wire/protocol'
import type { PublishInfo, Verdict } from '../controls/publish-rules'
import { messageSerial } from './serial'
import { sourceOf } from './source'
import type { Service } from '../service'

/** Where a publish comes from. */
export interface Publisher {
  identity: Identity
  /** Absent over REST. */
  connectionId?: string
  /** Merges its appends within so many ms; 0 for not at all. */
  window: number
  /** Start of the ids of messages that have none. */
  idBase: string
}

/** A publish that is checked for form and waits to be carried out. */
export interface Publish {
  verdict: Verdict
  /**
   * Carries it out.
   * @returns a serial for each message, or the version serial of a change
   * @throws ProtocolError for whatever forbids it
   */
  run(): string[]
}

const actionNames: Readonly<Record<number, PublishInfo['action']>> = {
  [MessageAction.Create]: 'create',
  [MessageAction.Update]: 'update',
  [MessageAction.Delete]: 'delete',
  [MessageAction.Append]: 'append',
}

const operations: Readonly<Record<number, string>> = {
  [MessageAction.Update]: 'message-update',
  [MessageAction.Append]: 'message-update',
  [MessageAction.Delete]: 'message-delete',
}

const MAX_BATCH = 1_000

/**
 * Reads what is to be published.
 * @throws ProtocolError for messages that cannot be read, are too large, or a channel name that is none
 */
export function preparePublish(
  service: Service,
  publisher: Publisher,
  written: string | undefined,
  values: readonly unknown[],
): Publish {
  const { name } = readChannelName(written)
  if (values.length > MAX_BATCH) throw badRequest(`unable to publish more than ${MAX_BATCH} messages at once`)
  const messages = values.map(readMessage)
  checkSize(messages, service.limits.maxMessageSize)
  const { clientId } = publisher.identity
  const { connectionId } = publisher
  const verdict = service.rules.isEmpty
    ? {}
    : service.rules.judge(messages.map((message) => describe(message, { channel: name, clientId, connectionId })))
  return {
    verdict,
    run() {
      if (verdict.refusal) throw verdict.refusal
      const [first] = messages
      if (!first) return []
      return messages.every((message) => message.action === MessageAction.Create)
        ? create(service, publisher, name, messages)
        : [change(service, publisher, name, first, messages.length)]
    },
  }
}

function describe(message: IncomingMessage, origin: Pick<PublishInfo, 'channel' | 'clientId' | 'connectionId'>) {
  const { name, data, extras } = message
  const clientId = origin.clientId ?? message.clientId
  return { ...origin, clientId, name, data, extras, action: actionNames[message.action] ?? 'create' }
}

function create(
  service: Service,
  publisher: Publisher,
  channel: string,
  messages: readonly IncomingMessage[],
): string[] {
  const { identity, idBase } = publisher
  permit(identity.grant.capability, channel, 'publish')
  checkIds(messages)
  const timestamp = service.now()
  const batch = messages.map((content, i) => ({
    content,
    id: content.id ?? `${idBase}:${i}`,
    ...sourceOf(service, publisher, content),
  }))
  const toMessage = (
    { id, clientId, connectionId, content }: (typeof batch)[number],
    serial: string,
  ): StoredMessage => {
    const { name, data, encoding, extras } = content
    const [action, version] = [MessageAction.Create, { serial, timestamp }]
    return { id, name, data, encoding, extras, clientId, connectionId, timestamp, action, serial, version }
  }
  return service.channels.open(channel).publish(batch, timestamp, toMessage, publisher.connectionId && idBase)
}

function change(
  service: Service,
  { identity, connectionId, window, idBase }: Publisher,
  name: string,
  message: IncomingMessage,
  batchSize: number,
): string {
  const operation = operations[message.action]
  if (!operation || batchSize > 1)
    throw badRequest('unable to publish; changes come one at a time, with a known action')
  if (!service.isMutable(namespaceOf(name))) {
    throw new ProtocolError(
      93_002,
      400,
      `message updates, deletes and appends are not enabled for namespace "${namespaceOf(name)}"`,
    )
  }
  const { clientId } = identity
  const channel: Channel = service.channels.open(name)
  const entry = channel.target(message.serial)
  const isOwn = clientId !== undefined && clientId === entry.message.clientId
  permit(identity.grant.capability, name, `${operation}-any`, ...(isOwn ? [`${operation}-own`] : []))
  const change: Change = {
    action: message.action,
    content: message,
    connectionId,
    version: {
      ...message.operation,
      clientId: stampClientId(identity, message.operation.clientId),
      serial: messageSerial(service.nextSerial()),
      // NOTE: an update looks newer to the SDK only if its time is later than the original's
      timestamp: Math.max(service.now(), entry.message.timestamp + 1),
    },
  }
  channel.change(entry, change, window, connectionId && idBase)
  return change.version.serial
}

/** Ids of a batch tell only together whether it was published before, so they must belong together. */
function checkIds(messages: readonly IncomingMessage[]) {
  if (messages.length < 2 || messages.every((message) => message.id === undefined)) return
  const base = /^(.*):0$/s.exec(messages[0]?.id ?? '')?.[1]
  if (base !== undefined && messages.every((message, i) => message.id === `${base}:${i}`)) return
  throw new ProtocolError(40_031, 400, 'ids of a batch must be one base with :0, :1, ... behind it')
}
