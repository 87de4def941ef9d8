import type { ObjectDirective } from 'vue'

/** Hands focus on to the message box, when it was put here by keyboard and this goes away. */
export const vBequeath: ObjectDirective<HTMLElement> = {
  beforeUnmount(element) {
    const hasFocus = element.matches(':focus-visible') || element.querySelector(':focus-visible')
    if (hasFocus) document.getElementById('message')?.focus()
  },
}
