/**
 * An Ably-compatible endpoint for this machine: development, tests and CI without an account.
 *
 * @packageDocumentation
 */
export { createLocalEndpoint } from './endpoint'
export type { LocalEndpoint, LocalEndpointOptions } from './endpoint'
export type { LocalClientOptions, LocalClientRequest } from './client-options'
export type { ConnectionMatch, TestControls } from './controls'
export type { Caller } from './gate'
export type { PublishInfo, PublishMatch, Restore, RuleOptions } from './publish-rules'
export type { Clock, NamespaceRules, ServiceOptions } from './service'
export type { TokenDetails, TokenOptions } from './token'
export type { ErrorInfo } from './error'
export type { Limits } from './limits'
export type { Data } from './payload'
export type { KeyOptions } from './keys'
export { DEV_KEY } from './keys'
