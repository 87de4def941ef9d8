import { table } from '../bench/report.ts'
import { brotli, bundle, takenApart, without } from './bundle.ts'
import { here } from './entries.ts'

/**
 * Weighs the built package as an app ships it: minified and brotli, without the peers that an app has anyway. Each script
 * stands beside the same one made of `@ably/ai-transport` for React. With `--modules` it also lists the sources of the
 * client entry by their share. It fails when a limit is passed.
 */
const client = here('dist/index.js')
const peer = '@ably/ai-transport'

const everything = `export * from '${client}'`
/** The imports of the chat in the README. */
const chat = `export { createAITransport, useClientSession, useView } from '${client}'`
const peerEverything = `export * from '${peer}/react'; export { createUIMessageCodec } from '${peer}/vercel'`
const peerChat = `
  export { ClientSessionProvider, useClientSession, useView } from '${peer}/react'
  export { createUIMessageCodec } from '${peer}/vercel'`
const ably = `export { Realtime } from 'ably'`
const modularAbly = `export { BaseRealtime, FetchRequest, Rest, WebSocketTransport } from 'ably/modular'`

interface Script {
  readonly code: string
  /** The same chat made of the other implementation. */
  readonly beside?: string
  /** A peer dependency that is weighed too. */
  readonly within?: string
  /** The largest allowed size in bytes after brotli. */
  readonly limit?: number
}

const scripts: Record<string, Script> = {
  everything: { code: everything, beside: peerEverything, limit: 44_250 },
  "the README's chat": { code: chat, beside: peerChat, limit: 41_050 },
  "the README's chat, `ably`": { code: `${chat}; ${ably}`, beside: `${peerChat}; ${ably}`, within: 'ably' },
  "the README's chat, `ably/modular`": { code: `${chat}; ${modularAbly}`, within: 'ably', limit: 76_600 },
  'everything, `ably/modular`': { code: `${everything}; ${modularAbly}`, within: 'ably', limit: 79_850 },
}

/** The entries for servers, agents, tests and codecs. */
const entries: Record<string, Script> = Object.fromEntries(
  ['agent/index', 'codec/index', 'archive/index', 'local/index', 'local/vite'].map((entry) => [
    `vue-ai-transport/${entry.replace('/index', '')}`,
    { code: `export * from '${here(`dist/${entry}.js`)}'` },
  ]),
)

/** Chat clients of other transports, with the `ai` package that they need. */
const others: Record<string, Script> = {
  '@ai-sdk/vue, a chat': { code: `export { useChat } from '@ai-sdk/vue'`, within: 'ai' },
  '@tanstack/ai-vue, a chat': {
    code: `export { fetchServerSentEvents, useChat } from '@tanstack/ai-vue'`,
    within: 'ai',
  },
}

const bytes = (value: number | undefined): string => value?.toLocaleString('en') ?? ''

/** Prints the sizes of these scripts and reports those above their limit. */
async function weigh(title: string, given: Record<string, Script>): Promise<void> {
  const rows: string[][] = []
  for (const [name, { code, beside, within, limit }] of Object.entries(given)) {
    const script = (await bundle(code, within)).code
    const size = brotli(script)
    const other = beside === undefined ? undefined : brotli((await bundle(beside, within)).code)
    rows.push([name, bytes(Buffer.byteLength(script)), bytes(size), bytes(limit), bytes(other)])
    if (limit === undefined || size <= limit) continue
    console.error(`  ${name}: ${bytes(size - limit)} bytes too many; \`npm run size -- --modules\` shows the sources`)
    process.exitCode = 1
  }
  table(title, ['', 'minified', 'brotli', 'limit', peer], rows)
}

await weigh('Client: bytes, without the framework', scripts)
await weigh('Other entries: bytes, without peers', entries)
await weigh('Chat clients of other transports: bytes, without the framework', others)
await weighUnused()
if (process.argv.includes('--modules')) await printModules()

/** The share of the README's chat that is for rows in a first HTML and for an archive, which that chat does not use. */
async function weighUnused(): Promise<void> {
  // NOTE: about 950. The difference of two brotli sizes varies by 50 bytes with what else changes in a chat
  const limit = 1_100
  const names = ['core/rows.ts', 'ably/archived-history.ts', 'composables/hydration.ts']
  const whole = await bundle(chat)
  const all = brotli(whole.code)
  const sum = all - brotli(without(whole, names))
  const rows = names.map((name) => [name, bytes(all - brotli(without(whole, [name])))])
  table(
    "Rows and archives in the README's chat: bytes",
    ['', 'brotli', 'limit'],
    [...rows, ['all', bytes(sum), bytes(limit)]],
  )
  if (sum <= limit) return
  console.error(`  rows and archives weigh ${bytes(sum - limit)} bytes too many in a chat that does not use them`)
  process.exitCode = 1
}

async function printModules(): Promise<void> {
  const whole = await bundle(everything)
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
