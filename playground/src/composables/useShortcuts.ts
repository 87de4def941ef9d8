import { onScopeDispose } from 'vue'

const pause = 1000

const open = ':popover-open, :modal'

/**
 * Escape stops the run with focus, or else the newest run; Shift and Escape stop all runs.
 *
 * @param stopOne - receives the place of the run with focus
 */
export function useShortcuts({ stopOne, stopAll }: { stopOne: (place?: string) => void; stopAll: () => void }): void {
  let last = -Infinity
  const onKeydown = (event: KeyboardEvent) => {
    if (event.key !== 'Escape' || event.defaultPrevented) return
    // NOTE: input methods, popovers and dialogs use Escape themselves, and open lists do not pass it on
    if (event.isComposing || event.keyCode === 229 || document.querySelector(open)) return
    if (event.shiftKey) return stopAll()
    // NOTE: the second press of a nervous finger must not stop another run
    if (event.repeat || event.timeStamp - last < pause) return
    last = event.timeStamp
    stopOne(document.activeElement?.closest<HTMLElement>('[data-place]')?.dataset.place)
  }
  window.addEventListener('keydown', onKeydown)
  onScopeDispose(() => window.removeEventListener('keydown', onKeydown))
}
