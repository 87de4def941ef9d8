import { spawn, spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { chromium } from 'playwright'

/**
 * Features of Chromium that browser tests do without. The list of the last argument counts, so Playwright's own list is
 * repeated.
 */
const disabledFeatures = [
  'AimEnabled',
  'AvoidCorsURLLoaderRestartOnRedirect',
  'AvoidUnnecessaryBeforeUnloadCheckSync',
  'DestroyProfileOnBrowserClose',
  'HttpsFirstBalancedModeAutoEnable',
  'HttpsUpgrades',
  'LensOverlay',
  'MediaRouter',
  'NetworkTimeServiceQuerying',
  'OptimizationHints',
  'PaintHolding',
  'PreconnectToSearch',
  'ThirdPartyStoragePartitioning',
  // NOTE: each new window would load the pages of the address bar and start a renderer ahead: half of a visit's work
  'SpareRendererForSitePerProcess',
  'WebUIOmniboxAimPopup',
  'WebUIOmniboxPopup',
]

/** Features of Chromium that browser tests need; Playwright's own list is repeated here, too. */
const enabledFeatures = [
  'CDPScreenshotNewSurface',
  // NOTE: with a process of its own for the network, a visit takes a twelfth more work
  'NetworkServiceInProcess2',
]

/** Arguments of Chromium in browser tests: it runs as root, without a screen, and quiet on the network. */
export const chromiumArgs = [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-background-networking',
  '--disable-component-update',
  '--no-first-run',
  '--disable-sync',
  '--disable-quic',
  `--disable-features=${disabledFeatures.join(',')}`,
  `--enable-features=${enabledFeatures.join(',')}`,
]

/** The parts of the computer that the search uses; tests pass their own. */
export interface Machine {
  env: Record<string, string | undefined>
  /** Where Playwright keeps, or would keep, its own Chromium. */
  playwright: string
  /** True when apt may install packages. */
  apt: boolean
  /** True when the browser at `path` runs, which a download without its system libraries does not. */
  starts(path: string): boolean
  /** Runs a command and returns whether it succeeded within `seconds`. */
  run(seconds: number, command: string, ...args: string[]): Promise<boolean>
}

export interface Found {
  path: string
  source: string
}

/** Looks for Chromium without changing anything. */
export function findChromium(machine: Machine): Found | undefined {
  const wanted = machine.env.CHROMIUM_PATH
  if (wanted) {
    if (machine.starts(wanted)) return { path: wanted, source: 'CHROMIUM_PATH' }
    throw new Error(`unable to start Chromium; CHROMIUM_PATH names ${wanted}, which does not run`)
  }
  const places: Found[] = [
    { path: '/usr/bin/chromium', source: 'system' },
    { path: '/usr/bin/google-chrome', source: 'system' },
    { path: machine.playwright, source: 'Playwright' },
  ]
  return places.find(({ path }) => machine.starts(path))
}

/** Finds Chromium, or installs it with Playwright's download, else with apt. */
export async function ensureChromium(machine: Machine): Promise<Found> {
  const present = findChromium(machine)
  if (present) return present

  await machine.run(60, 'npx', 'playwright', 'install', '--no-shell', 'chromium')
  const downloaded = findChromium(machine)
  if (downloaded) return { ...downloaded, source: 'Playwright, downloaded' }

  if (machine.apt && (await machine.run(180, 'apt-get', 'update', '-qq'))) {
    await machine.run(420, 'apt-get', 'install', '-y', '-qq', 'chromium')
  }
  const installed = findChromium(machine)
  if (installed) return { ...installed, source: 'apt' }

  throw new Error('unable to find Chromium; install it, or set CHROMIUM_PATH to a browser that starts')
}

/**
 * The Chromium that browser tests launch.
 * @throws when there is none yet
 */
export function chromiumPath(): string {
  const found = findChromium(thisMachine)
  if (!found) throw new Error('unable to find Chromium; run `npm run chromium` once')
  return found.path
}

const thisMachine: Machine = {
  env: process.env,
  playwright: chromium.executablePath(),
  apt: existsSync('/etc/debian_version') && process.getuid?.() === 0,
  starts: (path) => spawnSync(path, ['--version'], { timeout: 20_000, stdio: 'ignore' }).status === 0,
  run: (seconds, command, ...args) =>
    new Promise((resolve) => {
      // NOTE: a separate process group, so that the time limit also ends the command's children
      const child = spawn(command, args, {
        detached: true,
        stdio: ['ignore', 'inherit', 'inherit'],
        env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive' },
      })
      const timer = setTimeout(() => child.pid && process.kill(-child.pid, 'SIGKILL'), seconds * 1000)
      const settle = (done: boolean) => {
        clearTimeout(timer)
        resolve(done)
      }
      child.once('error', () => settle(false))
      child.once('close', (code) => settle(code === 0))
    }),
}

if (import.meta.main) {
  const { path, source } = await ensureChromium(thisMachine)
  console.log(`chromium: ${path} (${source})`)
}
