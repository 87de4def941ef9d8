import {
  getCurrentInstance,
  hasInjectionContext,
  inject,
  provide,
  type ComponentInternalInstance,
  type InjectionKey,
} from 'vue'
import { problem } from '../store/diagnostics'
import type { SessionBinding } from './binding'

const key: InjectionKey<SessionBinding> = Symbol('ai-session')

// NOTE: `inject` does not see what the same component has provided
const ofInstance = new WeakMap<ComponentInternalInstance, SessionBinding>()

/** Makes a binding the one that this component and its descendants find. */
export function offer(binding: SessionBinding): void {
  const instance = getCurrentInstance()
  if (!instance) return
  ofInstance.set(instance, binding)
  provide(key, binding)
}

/** The binding of this component's latest `useClientSession`, else of the nearest ancestor. */
export function nearest(): SessionBinding {
  const instance = getCurrentInstance()
  const own = instance && ofInstance.get(instance)
  const found = own ?? (hasInjectionContext() ? inject(key, undefined) : undefined)
  if (!found) throw problem('noSession')
  return found
}
