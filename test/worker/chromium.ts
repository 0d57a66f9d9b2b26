/** Debian's Chromium, without a window and without a word to anybody but the page. */
import { accessSync, constants } from 'node:fs'
import { type Browser, chromium } from 'playwright-core'

const PATH = '/usr/bin/chromium'

const ARGUMENTS = [
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
  // Root has no sandbox.
  ...(process.getuid?.() === 0 ? ['--no-sandbox'] : []),
]

/** What to tell somebody who lacks it; undefined when it is there. */
export function howToInstall(): string | undefined {
  try {
    accessSync(PATH, constants.X_OK)
    return undefined
  } catch {
    return (
      `The browser tests run Chromium, and there is none at ${PATH}.\n` +
      `Install it on Debian with: scripts/install-chromium.sh\n` +
      `or by hand with: sudo apt-get install --no-install-recommends chromium`
    )
  }
}

export function launch(): Promise<Browser> {
  return chromium.launch({ executablePath: PATH, headless: true, args: ARGUMENTS })
}
