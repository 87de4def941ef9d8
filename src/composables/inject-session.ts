import {
  getCurrentInstance,
  getCurrentScope,
  hasInjectionContext,
  inject,
  provide,
  type EffectScope,
  type InjectionKey,
} from 'vue'
import { problem } from '../core/diagnostics'
import type { SessionBinding } from './binding'

const key: InjectionKey<SessionBinding> = Symbol('ai-session')

// NOTE: by scope, not by component: `inject` does not see values that the same component has provided, and a store that
// a component uses first has a scope, and a session, of its own
const ofScope = new WeakMap<EffectScope, SessionBinding>()

/** A component instance with its scope, which Vue's types hide. */
type InstanceWithScope = { scope: EffectScope } | null

/** The parent of a scope, which Vue's types hide. */
const around = (scope: EffectScope): EffectScope | undefined => (scope as { parent?: EffectScope }).parent

/** Provides a binding to this component, store or scope and its descendants. */
export function provideSession(binding: SessionBinding): void {
  const scope = getCurrentScope()
  if (!scope) return
  ofScope.set(scope, binding)
  const instance = getCurrentInstance() as InstanceWithScope
  if (instance?.scope === scope) provide(key, binding)
}

/** The binding of this scope's latest `useClientSession`, else of the nearest scope or component around it. */
export function injectSession(): SessionBinding {
  for (let scope = getCurrentScope(); scope; scope = around(scope)) {
    const own = ofScope.get(scope)
    if (own) return own
  }
  const found = hasInjectionContext() ? inject(key, undefined) : undefined
  if (!found) throw problem('noSession', 'No session found')
  return found
}
