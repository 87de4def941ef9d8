import type { InboundMessage, RealtimeChannel } from 'ably'
import { onScopeDispose, shallowRef, watch, type Ref } from 'vue'
import { channelOf } from '../client'
import { WireLog, type WireEvent } from '../conversation/wire-log'

/** How often an open log shows new events, in ms. */
const pause = 200

/**
 * The messages of a session's channel. Nothing is rendered while the log is closed.
 *
 * @param isReady - whether the session has opened its channel, and the channel has not failed
 */
export function useWireLog(
  name: Readonly<Ref<string>>,
  isReady: Readonly<Ref<boolean>>,
  isOpen: Readonly<Ref<boolean>>,
) {
  const log = new WireLog()
  const events = shallowRef<readonly WireEvent[]>([])
  let timer: ReturnType<typeof setTimeout> | undefined
  let channel: RealtimeChannel | undefined

  const show = () => {
    timer = undefined
    events.value = log.events
  }
  const hear = (message: InboundMessage) => {
    log.add(message)
    if (isOpen.value) timer ??= setTimeout(show, pause)
  }
  const leave = () => channel?.unsubscribe(hear)

  watch(
    [name, isReady],
    ([now, ready], [before]) => {
      leave()
      if (now !== before) log.clear()
      if (!ready) return
      channel = channelOf(now)
      // NOTE: the page shows why a channel can't be used
      channel?.subscribe(hear).catch(() => {})
    },
    { immediate: true },
  )
  watch(isOpen, (now) => now && show())
  onScopeDispose(() => {
    leave()
    clearTimeout(timer)
  })
  return { log, events }
}
