import { badRequest, ProtocolError } from '../wire/error'
import type { Channel } from './channel'
import { namespaceOf, readChannelName } from './channel-name'
import type { App } from '../app'
import { permit, stampClientId } from '../auth/identity'
import type { Change } from './log'
import { checkSize, readMessage, type IncomingMessage, type StoredMessage } from './message'
import { MessageAction } from '../wire/protocol'
import type { PublishInfo, Verdict } from '../controls/publish-rules'
import { messageSerial } from './serial'
import { sourceOf, type Publisher } from './publisher'

/** A publish that is parsed and not yet carried out. */
export interface Publish {
  verdict: Verdict
  /**
   * Carries it out.
   * @returns a serial for each message, or the version serial of a change
   * @throws ProtocolError if it is not allowed
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
 * Parses the messages of a publish.
 * @throws ProtocolError for malformed messages, messages that are too large, or an invalid channel name
 */
export function preparePublish(
  app: App,
  publisher: Publisher,
  written: string | undefined,
  values: readonly unknown[],
): Publish {
  const { name } = readChannelName(written)
  if (values.length > MAX_BATCH) throw badRequest(`unable to publish more than ${MAX_BATCH} messages at once`)
  const messages = values.map(readMessage)
  checkSize(messages, app.limits.maxMessageSize)
  const { clientId } = publisher.identity
  const { connectionId } = publisher
  const verdict = app.rules.isEmpty
    ? {}
    : app.rules.judge(messages.map((message) => describe(message, { channel: name, clientId, connectionId })))
  return {
    verdict,
    run() {
      if (verdict.refusal) throw verdict.refusal
      const [first] = messages
      if (!first) return []
      return messages.every((message) => message.action === MessageAction.Create)
        ? create(app, publisher, name, messages)
        : [change(app, publisher, name, first, messages.length)]
    },
  }
}

function describe(message: IncomingMessage, origin: Pick<PublishInfo, 'channel' | 'clientId' | 'connectionId'>) {
  const { name, data, extras } = message
  const clientId = origin.clientId ?? message.clientId
  return { ...origin, clientId, name, data, extras, action: actionNames[message.action] ?? 'create' }
}

function create(app: App, publisher: Publisher, channel: string, messages: readonly IncomingMessage[]): string[] {
  const { identity, idBase } = publisher
  permit(identity.grant.capability, channel, 'publish')
  checkIds(messages)
  const timestamp = app.now()
  const batch = messages.map((content, i) => ({
    content,
    id: content.id ?? `${idBase}:${i}`,
    ...sourceOf(publisher, content),
  }))
  const toMessage = (
    { id, clientId, connectionId, content }: (typeof batch)[number],
    serial: string,
  ): StoredMessage => {
    const { name, data, encoding, extras } = content
    const [action, version] = [MessageAction.Create, { serial, timestamp }]
    return { id, name, data, encoding, extras, clientId, connectionId, timestamp, action, serial, version }
  }
  return app.channels.open(channel).publish(batch, timestamp, toMessage, publisher.connectionId && idBase)
}

function change(
  app: App,
  { identity, connectionId, window, idBase }: Publisher,
  name: string,
  message: IncomingMessage,
  batchSize: number,
): string {
  const operation = operations[message.action]
  if (!operation || batchSize > 1) throw badRequest('unable to publish; send one update, delete or append at a time')
  if (!app.isMutable(namespaceOf(name))) {
    throw new ProtocolError(
      93_002,
      400,
      `message updates, deletes and appends are not enabled for namespace "${namespaceOf(name)}"`,
    )
  }
  const { clientId } = identity
  const channel: Channel = app.channels.open(name)
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
      serial: messageSerial(app.nextSerial()),
      // NOTE: an update looks newer to the SDK only if its time is later than the original's
      timestamp: Math.max(app.now(), entry.message.timestamp + 1),
    },
  }
  channel.change(entry, change, window, connectionId && idBase)
  return change.version.serial
}

/** A repeated batch is recognised by all its ids together, so they must share one base. */
function checkIds(messages: readonly IncomingMessage[]) {
  if (messages.length < 2 || messages.every((message) => message.id === undefined)) return
  const base = /^(.*):0$/s.exec(messages[0]?.id ?? '')?.[1]
  if (base !== undefined && messages.every((message, i) => message.id === `${base}:${i}`)) return
  throw new ProtocolError(40_031, 400, 'ids of a batch must be one base with :0, :1, ... behind it')
}
