import { describe, expect, it } from 'vitest'
import { ensureChromium, findChromium, type Machine } from '../../scripts/chromium'

const system = '/usr/bin/chromium'
const chrome = '/usr/bin/google-chrome'
const own = '/cache/playwright/chrome'

/** A computer where `browsers` start; each command in `installs` adds one, any other command fails. */
function aMachine(browsers: string[], installs: Record<string, string[]> = {}, about: Partial<Machine> = {}) {
  const present = new Set(browsers)
  const commands: string[] = []
  const machine: Machine = {
    env: {},
    playwright: own,
    apt: true,
    starts: (path) => present.has(path),
    run: (_seconds, ...words) => {
      const command = words.join(' ')
      commands.push(command)
      const brings = Object.entries(installs).find(([start]) => command.startsWith(start))?.[1]
      for (const path of brings ?? []) present.add(path)
      return Promise.resolve(brings !== undefined)
    },
    ...about,
  }
  return { machine, commands }
}

describe('findChromium', () => {
  it('prefers CHROMIUM_PATH to all others', () => {
    const { machine } = aMachine([system, '/opt/mine'], {}, { env: { CHROMIUM_PATH: '/opt/mine' } })
    expect(findChromium(machine)).toEqual({ path: '/opt/mine', source: 'CHROMIUM_PATH' })
  })

  it('fails if the browser of CHROMIUM_PATH does not start', () => {
    const { machine } = aMachine([system], {}, { env: { CHROMIUM_PATH: '/opt/mine' } })
    expect(() => findChromium(machine)).toThrow('/opt/mine')
  })

  it.each([
    ['the system', [system, chrome, own], system],
    ['Google', [chrome, own], chrome],
    ['Playwright', [own], own],
  ])('uses the browser of %s next', (_, browsers, path) => {
    expect(findChromium(aMachine(browsers).machine)?.path).toBe(path)
  })

  it('returns undefined if there is no browser', () => {
    expect(findChromium(aMachine([]).machine)).toBeUndefined()
  })
})

describe('ensureChromium', () => {
  it('installs nothing if there is a browser', async () => {
    const { machine, commands } = aMachine([system])
    await ensureChromium(machine)
    expect(commands).toEqual([])
  })

  it('uses Playwright first', async () => {
    const { machine, commands } = aMachine([], { npx: [own] })
    expect(await ensureChromium(machine)).toEqual({ path: own, source: 'Playwright, downloaded' })
    expect(commands).toHaveLength(1)
  })

  it('uses apt if the download fails', async () => {
    const { machine, commands } = aMachine([], { 'apt-get update': [], 'apt-get install': [system] })
    expect(await ensureChromium(machine)).toEqual({ path: system, source: 'apt' })
    expect(commands.map((command) => command.split(' ', 2).join(' '))).toEqual([
      'npx playwright',
      'apt-get update',
      'apt-get install',
    ])
  })

  it('uses apt if the download does not start', async () => {
    const { machine } = aMachine([], { npx: [], 'apt-get update': [], 'apt-get install': [system] })
    expect((await ensureChromium(machine)).source).toBe('apt')
  })

  it('does not use apt without the permission', async () => {
    const { machine, commands } = aMachine([], {}, { apt: false })
    await expect(ensureChromium(machine)).rejects.toThrow('CHROMIUM_PATH')
    expect(commands).toHaveLength(1)
  })
})
