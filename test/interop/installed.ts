/** The programs of the interop suite: where they are, and what to do when one is missing. */
import { accessSync, constants } from 'node:fs'
import { delimiter, join } from 'node:path'

/** Each program, and the Debian package that holds it. */
const PACKAGES = {
  haproxy: 'haproxy',
  nghttpx: 'nghttp2-proxy',
  nginx: 'nginx',
  'libwebsockets-test-server': 'libwebsockets-test-server',
} as const

export type ProgramName = keyof typeof PACKAGES

/** Where Debian has servers; the PATH of an ordinary user does not hold it. */
const SERVER_DIRECTORIES = ['/usr/sbin', '/usr/local/sbin']

/** The path of a program; fails when it is not installed. */
export function pathOf(name: ProgramName): string {
  const path = find(name)
  if (path === undefined) throw new Error(`${name} is not installed (package ${PACKAGES[name]}).`)
  return path
}

/** What to tell somebody who lacks some of the programs; undefined when all are there. */
export function howToInstall(): string | undefined {
  const missing = Object.entries(PACKAGES).filter(([name]) => find(name) === undefined)
  if (missing.length === 0) return undefined
  const programs = missing.map(([name]) => name).join(', ')
  const packages = missing.map(([, name]) => name).join(' ')
  return (
    `The interop tests run real servers, and these are not installed: ${programs}.\n` +
    `Install them on Debian or Ubuntu with: scripts/install-interop.sh\n` +
    `or by hand with: sudo apt-get install --no-install-recommends ${packages}`
  )
}

function find(name: string): string | undefined {
  const directories = [...(process.env['PATH'] ?? '').split(delimiter), ...SERVER_DIRECTORIES]
  return directories.map((directory) => join(directory, name)).find(isExecutable)
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK)
    return true
  } catch {
    return false
  }
}
