import { crc32, deflateSync } from 'node:zlib'

const width = 320
const height = 180

type Colour = readonly [number, number, number]

const sky: readonly Colour[] = [
  [38, 44, 84],
  [122, 76, 122],
  [232, 128, 96],
  [250, 190, 112],
]
const horizon = 104
const sun = { x: 214, y: 86, radius: 21 }

/** A picture of the river at dusk, as a PNG in base64. */
export function dusk(): string {
  const rows = Buffer.alloc(height * (1 + width * 3))
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) rows.set(colourAt(x, y), y * (1 + width * 3) + 1 + x * 3)
  }
  const header = Buffer.alloc(13)
  header.writeUInt32BE(width, 0)
  header.writeUInt32BE(height, 4)
  header.set([8, 2, 0, 0, 0], 8)
  const signature = Buffer.from([137, 80, 78, 71, 13, 10, 26, 10])
  return Buffer.concat([
    signature,
    chunk('IHDR', header),
    chunk('IDAT', deflateSync(rows, { level: 9 })),
    chunk('IEND', Buffer.alloc(0)),
  ]).toString('base64')
}

function colourAt(x: number, y: number): Colour {
  if (y < horizon) {
    const isSun = Math.hypot(x - sun.x, y - sun.y) < sun.radius
    if (isSun) return [255, 226, 168]
    const hill = horizon - 9 - 7 * Math.sin(x / 31) - 4 * Math.sin(x / 12 + 1)
    return y > hill ? [52, 40, 66] : blend(sky, y / horizon)
  }
  const depth = (y - horizon) / (height - horizon)
  const ripple = Math.sin(y * 1.9 + Math.sin(x / 17) * 1.4) * 0.5 + 0.5
  const glow = Math.max(0, 1 - Math.abs(x - sun.x) / (16 + depth * 58)) * ripple
  return mix(blend(sky, 0.9 - depth * 0.85), [255, 214, 150], glow * 0.75)
}

function blend(colours: readonly Colour[], share: number): Colour {
  const place = Math.min(Math.max(share, 0), 0.999) * (colours.length - 1)
  const index = Math.floor(place)
  return mix(colours[index]!, colours[index + 1]!, place - index)
}

const mix = (from: Colour, to: Colour, share: number): Colour => [
  from[0] + (to[0] - from[0]) * share,
  from[1] + (to[1] - from[1]) * share,
  from[2] + (to[2] - from[2]) * share,
]

function chunk(type: string, data: Buffer): Buffer {
  const body = Buffer.concat([Buffer.from(type, 'latin1'), data])
  const length = Buffer.alloc(4)
  length.writeUInt32BE(data.length)
  const check = Buffer.alloc(4)
  check.writeUInt32BE(crc32(body))
  return Buffer.concat([length, body, check])
}
