import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, inject, it, onTestFinished } from 'vitest'
import { run } from '../../support/command'
import { NewApp } from './dev'

const { root, key } = inject('site')

it('the types of the example are right', async () => {
  await expect(run(root, 'npx', 'nuxt', 'typecheck')).resolves.not.toContain('error')
})

it('the key is in no file of the build', async () => {
  const secret = key.split(':')[1]
  await expect(run(root, 'sh', '-c', `grep -rlF '${secret}' .output || true`)).resolves.toBe('')
})

it('a static site is generated, and the terminal names the route that it lacks', async () => {
  const app = new NewApp()
  onTestFinished(() => app.stop())
  const printed = await run(app.root, 'sh', '-c', 'npx nuxt generate 2>&1')
  expect(printed).toContain('no token route at /api/ably/token, so browsers cannot connect')
  expect(readFileSync(join(app.root, '.output/public/index.html'), 'utf8')).toContain('aria-label="Message"')
})
