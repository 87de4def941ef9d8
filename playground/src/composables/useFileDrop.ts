import { onScopeDispose, readonly, ref } from 'vue'

/** Accepts files that are dropped anywhere on the page. Without it, the browser would leave the page to open the file. */
export function useFileDrop(add: (files: readonly File[]) => unknown) {
  const isDropTarget = ref(false)
  const hasFiles = ({ dataTransfer }: DragEvent) => dataTransfer?.types.includes('Files') ?? false

  const listeners: Partial<Record<'dragover' | 'dragleave' | 'drop', (event: DragEvent) => void>> = {
    dragover(event) {
      if (!hasFiles(event)) return
      event.preventDefault()
      isDropTarget.value = true
    },
    dragleave(event) {
      if (event.relatedTarget === null) isDropTarget.value = false
    },
    drop(event) {
      isDropTarget.value = false
      if (!hasFiles(event)) return
      event.preventDefault()
      add([...(event.dataTransfer?.files ?? [])])
    },
  }
  for (const [type, listener] of Object.entries(listeners)) window.addEventListener(type as 'drop', listener)
  onScopeDispose(() => {
    for (const [type, listener] of Object.entries(listeners)) window.removeEventListener(type as 'drop', listener)
  })
  return { isDropTarget: readonly(isDropTarget) }
}
