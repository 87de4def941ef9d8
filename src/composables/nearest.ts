import {
  getCurrentInstance,
  getCurrentScope,
  hasInjectionContext,
  inject,
  provide,
  type EffectScope,
  type InjectionKey,
} from 'vue'
import { problem } from '../store/diagnostics'
import type { SessionBinding } from './binding'

const key: InjectionKey<SessionBinding> = Symbol('ai-session')

// NOTE: by scope and not by component: `inject` does not see what the same component has provided, and a store that is
// first used in a component's setup has a scope, and a session, of its own
const ofScope = new WeakMap<EffectScope, SessionBinding>()

/** A component instance with the scope that Vue's types keep to themselves. */
type InstanceWithScope = { scope: EffectScope } | null

/** The scope that a scope was made in, which Vue's types keep to themselves too. */
const around = (scope: EffectScope): EffectScope | undefined => (scope as { parent?: EffectScope }).parent

/** Makes a binding the one that this component, store or scope and its descendants find. */
export function offer(binding: SessionBinding): void {
  const scope = getCurrentScope()
  if (!scope) return
  ofScope.set(scope, binding)
  const instance = getCurrentInstance() as InstanceWithScope
  if (instance?.scope === scope) provide(key, binding)
}

/** The binding of this scope's latest `useClientSession`, else of the nearest scope or component around it. */
export function nearest(): SessionBinding {
  for (let scope = getCurrentScope(); scope; scope = around(scope)) {
    const own = ofScope.get(scope)
    if (own) return own
  }
  const found = hasInjectionContext() ? inject(key, undefined) : undefined
  if (!found) throw problem('noSession')
  return found
}
