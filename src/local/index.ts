/**
 * An Ably-compatible endpoint for this machine: development, tests and CI without an account.
 *
 * @packageDocumentation
 */
export { createLocalEndpoint } from './endpoint'
export type { LocalEndpoint, LocalEndpointOptions } from './endpoint'
export { mountLocalEndpoint } from './mount'
export type { HostServer, MountedEndpoint } from './mount'
export type { Access, LocalClientOptions, LocalClientRequest } from './access'
export type { Middleware } from './http/node'
export type { Disturbance } from './connection/delivery'
export type { ConnectionMatch, TestControls } from './controls/controls'
export type { Caller } from './controls/gate'
export type { PublishInfo, PublishMatch, Restore, RuleOptions } from './controls/publish-rules'
export type { Clock, NamespaceRules, Resident, ServiceOptions } from './app'
export type { TokenDetails, TokenOptions } from './auth/token'
export { ProtocolError } from './wire/error'
export type { ErrorInfo } from './wire/error'
export type { Limits } from './limits'
export type { Data } from './channel/payload'
export type { KeyOptions } from './auth/keys'
export { demoModel } from './demo-model'
export type { DemoCall, DemoModelOptions, DemoPart } from './demo-model'
export { DEV_KEY } from './auth/keys'
