import type { Behaviour } from '../stage'
import { capabilities, credentials, identities, tokenRequests } from './auth'
import { attaching, metadata, rewinding } from './channel'
import { connecting, resuming } from './connection'
import { changing, history, publishing } from './message'
import { presence } from './presence'

/** All behaviours of the contract. */
export const behaviours: readonly Behaviour[] = [
  ...connecting,
  ...attaching,
  ...rewinding,
  ...metadata,
  ...publishing,
  ...history,
  ...changing,
  ...presence,
  ...credentials,
  ...identities,
  ...capabilities,
  ...tokenRequests,
  ...resuming,
]
