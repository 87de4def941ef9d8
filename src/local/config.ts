import { readFile } from 'node:fs/promises'
import type { NamespaceRules, Resident, ServiceOptions } from './app'
import type { KeyOptions } from './auth/keys'
import type { Limits } from './limits'

import { isRecord } from './wire/protocol'

/** The options of an endpoint that a configuration file holds. */
export type Config = Pick<ServiceOptions, 'keys' | 'namespaces' | 'residents' | 'limits'>

type Fields = Readonly<Record<string, unknown>>

/**
 * Reads a configuration file: the JSON of an app in the format of the service. Unsupported fields are ignored.
 * @throws Error that names the file and the wrong field
 */
export async function readConfig(file: string): Promise<Config> {
  try {
    const content = await readFile(file, 'utf8')
    // NOTE: some editors put a byte order mark in front
    return toOptions(JSON.parse(content.replace(/^\uFEFF/, '')))
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error)
    throw new Error(`unable to read ${file}; ${reason}`, { cause: error })
  }
}

function toOptions(config: unknown): Config {
  const { appId, keys, namespaces = [], channels = [], limits } = record(config, 'the file')
  const app = optionalText(appId, 'appId')
  if (list(keys, 'keys').length === 0) throw new Error('keys must hold at least one key')
  return {
    keys: list(keys, 'keys').map((key, i) => toKey(record(key, `keys[${i}]`), `keys[${i}]`, app)),
    namespaces: Object.fromEntries(
      list(namespaces, 'namespaces').map((item, i) =>
        toNamespace(record(item, `namespaces[${i}]`), `namespaces[${i}]`),
      ),
    ),
    residents: Object.fromEntries(
      list(channels, 'channels').map((item, i) => toResidents(record(item, `channels[${i}]`), `channels[${i}]`)),
    ),
    limits: toLimits(limits),
  }
}

function toKey(fields: Fields, at: string, app?: string): KeyOptions {
  const { name, secret } = nameAndSecret(fields, at)
  const full = name.includes('.') || app === undefined ? name : `${app}.${name}`
  if (!/^[^.:]+\.[^.:]+$/.test(full)) throw new Error(`${at}.keyName must have the form "app.id"`)
  return {
    key: `${full}:${secret}`,
    capability: optionalText(fields.capability, `${at}.capability`),
    revocableTokens: flag(fields.revocableTokens, `${at}.revocableTokens`),
  }
}

/** A key may be in two fields or, as the service writes it, in one. */
function nameAndSecret({ keyName, keySecret, keyStr }: Fields, at: string) {
  const [, name, secret] = /^([^:]+):(.+)$/.exec(optionalText(keyStr, `${at}.keyStr`) ?? '') ?? []
  return { name: text(keyName ?? name, `${at}.keyName`), secret: text(keySecret ?? secret, `${at}.keySecret`) }
}

function toNamespace({ id, persisted, mutableMessages }: Fields, at: string): [string, NamespaceRules] {
  const rules = {
    persisted: flag(persisted, `${at}.persisted`),
    mutableMessages: flag(mutableMessages, `${at}.mutableMessages`),
  }
  return [text(id, `${at}.id`), rules]
}

function toResidents({ name, presence = [] }: Fields, at: string): [string, Resident[]] {
  const residents = list(presence, `${at}.presence`).map((item, i) => {
    const path = `${at}.presence[${i}]`
    return toResident(record(item, path), path)
  })
  return [text(name, `${at}.name`), residents]
}

const toResident = ({ clientId, data, encoding }: Fields, at: string): Resident => ({
  clientId: text(clientId, `${at}.clientId`),
  data,
  encoding: optionalText(encoding, `${at}.encoding`),
})

function toLimits(limits: unknown): Partial<Limits> {
  const { presence = {} } = limits === undefined ? {} : record(limits, 'limits')
  const { maxMembers } = record(presence, 'limits.presence')
  if (maxMembers === undefined) return {}
  if (Number.isInteger(maxMembers) && Number(maxMembers) > 0) return { maxMembers: Number(maxMembers) }
  throw new Error('limits.presence.maxMembers must be a positive integer')
}

function record(value: unknown, at: string): Fields {
  if (isRecord(value)) return value
  throw new Error(`${at} must be an object`)
}

function list(value: unknown, at: string): readonly unknown[] {
  if (Array.isArray(value)) return value
  throw new Error(`${at} must be a list`)
}

function text(value: unknown, at: string): string {
  if (typeof value === 'string' && value) return value
  throw new Error(`${at} must be a text`)
}

const optionalText = (value: unknown, at: string) =>
  value === undefined || value === null ? undefined : text(value, at)

function flag(value: unknown, at: string): boolean | undefined {
  if (value === undefined || value === null || typeof value === 'boolean') return value ?? undefined
  throw new Error(`${at} must be true or false`)
}
