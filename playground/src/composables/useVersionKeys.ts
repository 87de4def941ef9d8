import type { Ref } from 'vue'

/** Alt and an arrow key show the previous or next version. Bind the returned handler to `keydown`. */
export function useVersionKeys(arrows: Readonly<Ref<{ previous(): void; next(): void } | null>>) {
  return (event: KeyboardEvent): void => {
    if (!event.altKey || event.ctrlKey || event.metaKey || event.shiftKey) return
    if (event.key !== 'ArrowLeft' && event.key !== 'ArrowRight') return
    // NOTE: in a text box these keys move the cursor by words
    const isText = event.target instanceof HTMLTextAreaElement || event.target instanceof HTMLInputElement
    if (isText) return
    if (event.key === 'ArrowLeft') arrows.value?.previous()
    else arrows.value?.next()
    event.preventDefault()
  }
}
