import { onScopeDispose, watch, type Ref } from 'vue'
import type { Exchange } from '../conversation/exchange'
import { statusOf } from '../conversation/status'
import type { Stage } from '../conversation/scenes'
import { deviceKind } from '../device'
import type { DeviceOrder, DeviceStatuses } from '../devices/messages'

/** Follows the orders of the page with two devices, if this page is one of them, and tells it the statuses of the runs. */
export function useDeviceOrders(
  stage: Stage,
  exchanges: Readonly<Ref<readonly Exchange[]>>,
  isReady: Readonly<Ref<boolean>>,
  retry: () => void,
): void {
  const device = deviceKind()
  if (!device || window.parent === window) return

  const act = (order: DeviceOrder): void => {
    if (order.type === 'retry') retry()
    else if (order.type === 'say') void stage.say(order.text)
    else if (order.type === 'stop') stage.stop(order.run)
  }
  const onMessage = ({ origin, source, data }: MessageEvent<DeviceOrder>) => {
    if (origin === location.origin && source === window.parent) act(data)
  }
  window.addEventListener('message', onMessage)
  onScopeDispose(() => window.removeEventListener('message', onMessage))

  watch(
    () => (isReady.value ? exchanges.value.map((exchange) => statusOf(exchange)).join() : undefined),
    (words) => {
      if (words === undefined) return
      const statuses = words === '' ? [] : (words.split(',') as DeviceStatuses['statuses'])
      window.parent.postMessage({ type: 'statuses', device, statuses } satisfies DeviceStatuses, location.origin)
    },
    { immediate: true },
  )
}
