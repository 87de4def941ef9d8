import { onScopeDispose, readonly, ref, watch, type Ref } from 'vue'

const slack = 32

/** Keeps a scroller at its end while its content grows, until the user scrolls up. */
export function useStickToBottom(scroller: Readonly<Ref<HTMLElement | null>>, isWanted: () => boolean = () => true) {
  const isAtBottom = ref(true)
  let stop = () => {}

  const toBottom = () => {
    const element = scroller.value
    if (!element) return
    isAtBottom.value = true
    element.scrollTop = element.scrollHeight
  }

  watch(scroller, (element) => {
    stop()
    if (!element) return
    const grown = new ResizeObserver(() => {
      if (isAtBottom.value && isWanted()) toBottom()
    })
    const observeContents = () => {
      grown.disconnect()
      grown.observe(element)
      // NOTE: the border box, because the space for the dock is padding
      for (const child of element.children) grown.observe(child, { box: 'border-box' })
    }
    const replaced = new MutationObserver(observeContents)
    const onScroll = () => {
      isAtBottom.value = element.scrollHeight - element.scrollTop - element.clientHeight < slack
    }
    observeContents()
    replaced.observe(element, { childList: true })
    element.addEventListener('scroll', onScroll, { passive: true })
    stop = () => {
      grown.disconnect()
      replaced.disconnect()
      element.removeEventListener('scroll', onScroll)
    }
  })
  onScopeDispose(() => stop())

  return { isAtBottom: readonly(isAtBottom), toBottom }
}
