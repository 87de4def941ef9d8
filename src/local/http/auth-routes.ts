import { readTarget, type Revoked } from '../auth/revocation'
import { badRequest, ProtocolError, toErrorInfo } from '../wire/error'
import { isRecord } from '../wire/protocol'
import { batchReply } from './batch-routes'
import { authorize, type Reply, type RouteContext } from './context'

/** GET /stats: always empty, but checks the credentials. */
export async function stats(context: RouteContext): Promise<Reply> {
  await authorize(context)
  return { body: [], page: { current: context.query, path: 'stats' } }
}

/** POST /keys/{keyName}/requestToken */
export async function requestToken({ service, params, credentials, body }: RouteContext): Promise<Reply> {
  const key = service.keys.require(params[0] ?? '')
  const given = credentials()
  const isBasic = given.key !== undefined && (await service.auth.check({ key: given.key })).keyName === key.name
  const details = service.tokens.issue(key, service.tokenRequests.read(body(), key, isBasic))
  return { status: 201, body: details }
}

/** POST /keys/{keyName}/revokeTokens */
export async function revokeTokens(context: RouteContext): Promise<Reply> {
  const { service, params, credentials } = context
  const key = service.keys.require(params[0] ?? '')
  const { token } = credentials()
  if (token !== undefined) throw new ProtocolError(40_162, 401, 'unable to revoke tokens; use the key itself')
  const { keyName } = await service.auth.check(credentials())
  if (keyName !== key.name) throw new ProtocolError(40_101, 401, 'unable to revoke tokens of another key')
  if (!key.revocableTokens) throw new ProtocolError(40_163, 401, 'unable to revoke tokens; the key does not allow it')
  const body = context.body()
  if (!isRecord(body) || !Array.isArray(body.targets)) throw badRequest('unable to revoke tokens; targets are missing')
  const results = body.targets.map((target) => revoke(context, key.name, target, body))
  return batchReply(results, context)
}

function revoke(
  { service }: RouteContext,
  keyName: string,
  target: unknown,
  { issuedBefore, allowReauthMargin }: Readonly<Record<string, unknown>>,
): Revoked | { target: unknown; error: object } {
  try {
    const before = typeof issuedBefore === 'number' ? issuedBefore : undefined
    return service.revoke(keyName, readTarget(target), before, allowReauthMargin === true)
  } catch (error) {
    return { target, error: toErrorInfo(error) }
  }
}
