import type { CardStatus } from '../conversation/status'

/** A device of the page with two devices. */
export interface Device {
  readonly kind: 'laptop' | 'phone'
  readonly name: string
}

/** The report of a device to the page around it: Stop was pressed, Stop was received, the run has ended. */
export interface DeviceReport {
  readonly type: 'stop' | 'cancelling' | 'ended'
  readonly device: Device['kind']
  readonly runId: string
  /** In ms since 1970, with fractions. */
  readonly at: number
}

/** A Stop on its way from one device to the other. Durations are in ms. */
export interface TravellingStop {
  readonly runId: string
  readonly from: Device['kind']
  readonly arrivedAfter?: number
  readonly endedAfter?: number
}

/** The last Stop in a list of reports, which can be in any order. */
export function lastStopIn(reports: readonly DeviceReport[]): TravellingStop | undefined {
  const pressed = reports.findLast(({ type }) => type === 'stop')
  if (!pressed) return undefined
  const { runId, device: from } = pressed
  const elsewhere = reports.filter((report) => report.runId === runId && report.device !== from)
  const after = (type: DeviceReport['type']) => {
    const report = elsewhere.find((each) => each.type === type)
    return report && Math.max(0, report.at - pressed.at)
  }
  const endedAfter = after('ended')
  return { runId, from, arrivedAfter: after('cancelling') ?? endedAfter, endedAfter }
}

/** An order of the page around the devices to one of them. */
export type DeviceOrder =
  { readonly type: 'retry' } | { readonly type: 'say'; readonly text: string } | { readonly type: 'stop'; run: number }

/** The statuses of all runs on a device, in the order of their prompts. */
export interface DeviceStatuses {
  readonly type: 'statuses'
  readonly device: Device['kind']
  readonly statuses: readonly CardStatus[]
}
