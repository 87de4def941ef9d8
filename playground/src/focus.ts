import type { ObjectDirective } from 'vue'

/** Moves keyboard focus to the message box when the focused element is removed. */
export const vReturnFocus: ObjectDirective<HTMLElement> = {
  beforeUnmount(element) {
    const hasFocus = element.matches(':focus-visible') || element.querySelector(':focus-visible')
    if (hasFocus) document.getElementById('message')?.focus()
  },
}
