import { spawn } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, inject, it, onTestFinished } from 'vitest'
import { freePort } from '../../../scripts/free-port'
import { plainEnv, run } from '../../support/command'
import { eventually } from '../../support/eventually'
import { NewApp } from './dev'

const { root, key } = inject('site')

it('the types of the example are right', async () => {
  await expect(run(root, 'npx', 'nuxt', 'typecheck')).resolves.not.toContain('error')
})

it('the key is in no file of the build', async () => {
  const secret = key.split(':')[1]
  await expect(run(root, 'sh', '-c', `grep -rlF '${secret}' .output || true`)).resolves.toBe('')
})

it('the built app says at its start that it has no key', async () => {
  const port = String(await freePort())
  const env = { ...plainEnv(), PORT: port, NUXT_AI_TRANSPORT_KEY: undefined, ABLY_API_KEY: undefined }
  const main = join(root, '.output/server/index.mjs')
  const server = spawn(process.execPath, [main], { env, stdio: ['ignore', 'ignore', 'pipe'] })
  onTestFinished(() => void server.kill('SIGKILL'))
  let printed = ''
  server.stderr.on('data', (data: Buffer) => (printed += String(data)))
  await eventually(async () => expect((await fetch(`http://localhost:${port}/api/user`)).ok).toBe(true))
  await expect
    .poll(() => printed.trim())
    .toBe(
      '[vue-ai-transport] There is no Ably key, so browsers cannot connect and prompts get no answer. Set NUXT_AI_TRANSPORT_KEY in the environment of the server.',
    )
})

it('a static site is generated, and the terminal names the route that it lacks', async () => {
  const app = new NewApp()
  onTestFinished(() => app.stop())
  const printed = await run(app.root, 'sh', '-c', 'npx nuxt generate 2>&1')
  expect(printed).toContain('no token route at /api/ably/token, so browsers cannot connect')
  expect(readFileSync(join(app.root, '.output/public/index.html'), 'utf8')).toContain('aria-label="Message"')
})
