import { watch, type Ref } from 'vue'
import type { RunInfo } from 'vue-ai-transport'
import { deviceKind, deviceName } from '../device'
import type { DeviceReport } from '../devices/messages'

/** Reports Stops to the page with two devices, if this page is one of them. */
export function useDeviceReports(runs: Readonly<Ref<readonly RunInfo[]>>): void {
  const device = deviceKind()
  if (!device || window.parent === window) return

  const report = (type: DeviceReport['type'], runId: string) => {
    const at = performance.timeOrigin + performance.now()
    window.parent.postMessage({ type, device, runId, at } satisfies DeviceReport, location.origin)
  }
  const me = deviceName()
  const [active, stopping] = [new Set<string>(), new Set<string>()]
  watch(
    runs,
    (now) => {
      for (const { runId, cancelling, status } of now) {
        // NOTE: only runs that were seen active, because runs of the history ended long ago
        if (status === 'active' || status === 'suspended') active.add(runId)
        if (cancelling && !stopping.has(runId)) {
          stopping.add(runId)
          report(cancelling.by === me ? 'stop' : 'cancelling', runId)
        } else if (status === 'cancelled' && active.delete(runId)) report('ended', runId)
      }
    },
    { flush: 'sync' },
  )
}
