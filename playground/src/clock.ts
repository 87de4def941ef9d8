import type { Realtime } from 'ably'
import { ref } from 'vue'

/** The channel's time minus the time of this device, in ms. Device clocks can be wrong by hours. */
export const clockOffset = ref(0)

/** The channel's time, in ms. */
export const serverNow = (): number => Date.now() + clockOffset.value

/** Measures the offset each time the client connects. */
export function measureClock(client: Realtime): void {
  client.connection.on('connected', () => {
    const sent = Date.now()
    client.time().then(
      (time) => (clockOffset.value = time - (sent + Date.now()) / 2),
      () => {},
    )
  })
}
