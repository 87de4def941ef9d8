import { table } from '../bench/report.ts'
import { brotli, bundle, takenApart } from './bundle.ts'
import { here } from './entries.ts'

/**
 * Weighs the built package as an app ships it: minified, brotli, what an app has anyway left out. With `--modules` it
 * also names the sources of the client entry by their share.
 */
const client = here('dist/index.js')
const peer = '@ably/ai-transport'
/** What the client entry with all its bindings is to weigh one day, in bytes. */
const goal = 11_000
/** What it may weigh: it gets no heavier unnoticed. */
const limit = 29_700

const weighed = {
  'vue-ai-transport': `export * from '${client}'`,
  'vue-ai-transport, a chat': `export { createAITransport, useClientSession, useView } from '${client}'`,
  'vue-ai-transport/agent': everythingOf('agent/index'),
  'vue-ai-transport/codec': everythingOf('codec/index'),
  'vue-ai-transport/local': everythingOf('local/index'),
  'vue-ai-transport/local/vite': everythingOf('local/vite'),
  [`${peer}/react with codec`]: `export * from '${peer}/react'; export { createUIMessageCodec } from '${peer}/vercel'`,
  [`${peer}/react with codec, a chat`]: `
    export { ClientSessionProvider, useClientSession, useView } from '${peer}/react'
    export { createUIMessageCodec } from '${peer}/vercel'`,
}

/** The same with an Ably client: what a page loads so that it has a chat. */
const pages = {
  'vue-ai-transport, `ably/modular`': `
    export * from '${client}'
    export { BaseRealtime, FetchRequest, Rest, WebSocketTransport } from 'ably/modular'`,
  'vue-ai-transport, `ably`': `export * from '${client}'; export { Realtime } from 'ably'`,
  [`${peer}/react with codec, \`ably\``]: `
    export * from '${peer}/react'
    export { createUIMessageCodec } from '${peer}/vercel'
    export { Realtime } from 'ably'`,
}

/** Clients of other transports, with what they bring along. */
const others = {
  '@ai-sdk/vue, a chat': `export { useChat } from '@ai-sdk/vue'`,
  '@tanstack/ai-vue, a chat': `export { fetchServerSentEvents, useChat } from '@tanstack/ai-vue'`,
}

function everythingOf(entry: string): string {
  return `export * from '${here(`dist/${entry}.js`)}'`
}

const bytes = (value: number): string => value.toLocaleString('en')

/** Prints what each of these scripts weighs; answers with the compressed size of the first. */
async function weigh(title: string, scripts: Record<string, string>, within?: string): Promise<number> {
  const sizes: [name: string, minified: number, compressed: number][] = []
  for (const [name, code] of Object.entries(scripts)) {
    const script = (await bundle(code, within)).code
    sizes.push([name, Buffer.byteLength(script), brotli(script)])
  }
  table(
    title,
    ['', 'minified', 'brotli'],
    sizes.map(([name, ...each]) => [name, ...each.map(bytes)]),
  )
  return sizes[0]![2]
}

const size = await weigh('Size: bytes, without peers', weighed)
await weigh('A page with its Ably client: bytes, without the framework', pages, 'ably')
await weigh('Other chat clients: bytes, without the framework', others, 'ai')
if (process.argv.includes('--modules')) await printModules()
console.log(
  `\n  client entry: ${bytes(size)} of ${bytes(limit)} bytes; the goal of ${bytes(goal)} is ${size > goal ? 'not ' : ''}reached`,
)
if (size > limit) {
  console.error(`  ${bytes(size - limit)} too many; \`npm run size -- --modules\` shows where they are`)
  process.exitCode = 1
}

async function printModules(): Promise<void> {
  const whole = await bundle(weighed['vue-ai-transport'])
  const all = brotli(whole.code)
  const rows = Array.from(takenApart(whole), ([source, { own, rest }]) => ({
    name: source.replace(/^.*\/src\//, '') || 'glue',
    minified: Buffer.byteLength(own),
    saved: all - brotli(rest),
  }))
  const folders = Map.groupBy(rows, ({ name }) => name.split('/')[0]!)
  const sums = Array.from(folders, ([name, files]) => ({
    name: `${name}/*`,
    minified: files.reduce((sum, file) => sum + file.minified, 0),
    saved: files.reduce((sum, file) => sum + file.saved, 0),
  }))
  for (const list of [rows, sums]) {
    table(
      'Client entry: bytes by source, and what brotli would save without it',
      ['', 'minified', 'brotli'],
      list.toSorted((a, b) => b.saved - a.saved).map((row) => [row.name, bytes(row.minified), bytes(row.saved)]),
    )
  }
}
