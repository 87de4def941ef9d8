import { onScopeDispose } from 'vue'

/** Escape stops the newest run, with Shift all of them. */
export function useShortcuts({ stopNewest, stopAll }: { stopNewest: () => void; stopAll: () => void }): void {
  const onKeydown = (event: KeyboardEvent) => {
    if (event.key !== 'Escape' || event.defaultPrevented) return
    // NOTE: these two use Escape themselves, to drop what is being composed and to close what is open
    if (event.isComposing || event.keyCode === 229 || document.querySelector(':popover-open')) return
    if (event.shiftKey) stopAll()
    else stopNewest()
  }
  window.addEventListener('keydown', onKeydown)
  onScopeDispose(() => window.removeEventListener('keydown', onKeydown))
}
