import { onScopeDispose, readonly, ref, watch, type Ref } from 'vue'

const slack = 32

/** Keeps a scroller at its end while its content grows, until the user scrolls up. */
export function useStickToBottom(scroller: Readonly<Ref<HTMLElement | null>>, isWanted: () => boolean = () => true) {
  const isAtBottom = ref(true)
  let followed: Element | undefined
  let top = 0
  let stop = () => {}

  const scrollTo = (element: HTMLElement, position: number) => {
    element.scrollTop = position
    top = element.scrollTop
  }
  const toBottom = () => {
    const element = scroller.value
    if (!element) return
    followed = undefined
    isAtBottom.value = true
    scrollTo(element, element.scrollHeight)
  }
  const isNearEnd = (element: HTMLElement) => element.scrollHeight - element.scrollTop - element.clientHeight < slack

  /** Keeps the end of an element further up in view while it grows, until the user scrolls. */
  function follow(wanted: Element): void {
    followed = wanted
    wanted.scrollIntoView({ block: 'nearest' })
    top = scroller.value?.scrollTop ?? 0
  }

  function keepUp(element: HTMLElement): void {
    if (followed?.isConnected) {
      const hidden = followed.getBoundingClientRect().bottom + slack - element.getBoundingClientRect().bottom
      if (hidden > 0) scrollTo(element, element.scrollTop + hidden)
    } else if (isAtBottom.value && isWanted()) toBottom()
    // NOTE: content that shrinks can end in view without a scroll event
    if (isNearEnd(element)) isAtBottom.value = true
  }

  watch(scroller, (element) => {
    stop()
    if (!element) return
    const grown = new ResizeObserver(() => keepUp(element))
    const observeContents = () => {
      grown.disconnect()
      grown.observe(element)
      // NOTE: the border box, because the space for the dock is padding
      for (const child of element.children) grown.observe(child, { box: 'border-box' })
    }
    const replaced = new MutationObserver(observeContents)
    const onScroll = () => {
      const hasMoved = Math.abs(element.scrollTop - top) > 2
      if (hasMoved) followed = undefined
      top = element.scrollTop
      // NOTE: a scroll to the end is reported a frame later, when the content may have grown again
      isAtBottom.value = isNearEnd(element) || (isAtBottom.value && !hasMoved)
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

  return { isAtBottom: readonly(isAtBottom), toBottom, follow }
}
