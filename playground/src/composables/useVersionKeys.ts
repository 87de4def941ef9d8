import type { Ref } from 'vue'

/** Alt with an arrow shows the version before or after; bind what it returns to `keydown`. */
export function useVersionKeys(arrows: Readonly<Ref<{ previous(): void; next(): void } | null>>) {
  return (event: KeyboardEvent): void => {
    if (!event.altKey || event.ctrlKey || event.metaKey || event.shiftKey) return
    if (event.key !== 'ArrowLeft' && event.key !== 'ArrowRight') return
    // NOTE: in text these keys move by words
    const isText = event.target instanceof HTMLTextAreaElement || event.target instanceof HTMLInputElement
    if (isText) return
    if (event.key === 'ArrowLeft') arrows.value?.previous()
    else arrows.value?.next()
    event.preventDefault()
  }
}
