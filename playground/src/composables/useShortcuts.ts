import { onScopeDispose } from 'vue'

/** Escape stops the newest run, Shift and Escape all runs. */
export function useShortcuts({ stopNewest, stopAll }: { stopNewest: () => void; stopAll: () => void }): void {
  const onKeydown = (event: KeyboardEvent) => {
    if (event.key !== 'Escape' || event.defaultPrevented) return
    // NOTE: input methods and popovers use Escape themselves
    if (event.isComposing || event.keyCode === 229 || document.querySelector(':popover-open')) return
    if (event.shiftKey) stopAll()
    else stopNewest()
  }
  window.addEventListener('keydown', onKeydown)
  onScopeDispose(() => window.removeEventListener('keydown', onKeydown))
}
