/** Returns the next channel serial. Each is greater, as a string, than all before. */
export type NextSerial = () => string

/**
 * Channel serials of the form `<14-digit ms>-<3-digit counter>@<boot>`. A thousand in one millisecond borrow from the
 * next one, so none repeats.
 * @param last - The latest serial of an earlier start; new serials are greater.
 */
export function createSerials(now: () => number, boot: string, last = ''): NextSerial {
  let ms = Number(last.split('-', 1)[0])
  let counter = 999
  return () => {
    counter++
    const time = now()
    if (time > ms || counter > 999) {
      ms = Math.max(time, ms + 1)
      counter = 0
    }
    return `${String(ms).padStart(14, '0')}-${String(counter).padStart(3, '0')}@${boot}`
  }
}

/** Serial of a message: the channel serial of its publish and its place in the batch. */
export const messageSerial = (channelSerial: string, index = 0) => `${channelSerial}:${String(index).padStart(3, '0')}`

/** The channel serial that a message serial starts with. */
export function channelSerialOf(serial: string): string {
  const end = serial.indexOf(':')
  return end < 0 ? serial : serial.slice(0, end)
}

/** The start of the endpoint that gave a serial; empty if the serial names none. */
export const bootOf = (channelSerial: string) => channelSerial.slice(channelSerial.indexOf('@') + 1)
