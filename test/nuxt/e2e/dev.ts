import { spawn, type ChildProcess } from 'node:child_process'
import { mkdirSync, mkdtempSync, readFileSync, writeFileSync } from 'node:fs'
import { rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { inject } from 'vitest'
import { here } from '../../../scripts/entries'
import { freePort } from '../../../scripts/free-port'
import { plainEnv } from '../../support/command'
import { eventually } from '../../support/eventually'
import { linkPackages } from '../../support/install'
import { filesOf } from '../../examples/visit'

/** A Nuxt app of the files in the README, on `nuxt dev` without a key. */
export class NewApp {
  readonly root = mkdtempSync(join(tmpdir(), 'nuxt-new-'))
  #server: ChildProcess | undefined
  #printed = ''
  origin = ''

  constructor() {
    const site = inject('site')
    linkPackages(join(site.root, 'node_modules'), join(this.root, 'node_modules'))
    this.write('package.json', '{ "private": true, "type": "module", "dependencies": { "vue-ai-transport": "*" } }')
    for (const [file, content] of filesOf(readme.split('## In a Nuxt app')[1]!)) this.write(file, content)
  }

  write(file: string, content: string): void {
    mkdirSync(dirname(join(this.root, file)), { recursive: true })
    writeFileSync(join(this.root, file), content)
  }

  read(file: string): string {
    return readFileSync(join(this.root, file), 'utf8')
  }

  /** Replaces words in a file, as an editor that saves does. */
  edit(file: string, from: string, to: string): void {
    const text = this.read(file)
    if (!text.includes(from)) throw new Error(`unable to edit ${file}; it does not contain "${from}"`)
    this.write(file, text.replace(from, to))
  }

  get printed(): string {
    return this.#printed
  }

  async start(): Promise<void> {
    const port = await freePort()
    this.origin = `http://localhost:${port}`
    const env = { ...plainEnv(), NUXT_AI_TRANSPORT_KEY: undefined, TEST_ABLY_PORT: undefined, NO_COLOR: '1' }
    const args = ['nuxt', 'dev', '--port', String(port), '--no-fork']
    this.#server = spawn('npx', args, { cwd: this.root, env, detached: true, stdio: ['ignore', 'pipe', 'pipe'] })
    for (const stream of [this.#server.stdout!, this.#server.stderr!]) {
      stream.on('data', (text: Buffer) => (this.#printed += String(text)))
    }
    await eventually(async () => {
      const response = await fetch(this.origin)
      if (!response.ok) throw new Error(`${response.status}: ${this.#printed}`)
    })
  }

  /** Starts Nuxt again, as for files in new folders; its address changes. */
  async restart(): Promise<void> {
    this.#kill()
    await this.start()
  }

  async stop(): Promise<void> {
    this.#kill()
    await rm(this.root, { recursive: true, force: true })
  }

  #kill(): void {
    // NOTE: the whole group, since npx starts processes of its own
    if (this.#server?.pid) process.kill(-this.#server.pid, 'SIGKILL')
  }
}

const readme = readFileSync(here('README.md'), 'utf8')
