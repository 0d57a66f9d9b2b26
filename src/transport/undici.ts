/** undici itself, loaded only for a proxy or for the global dispatcher: nothing else needs an HTTP library. */
import type { Dispatcher } from '../options.ts'

type Undici = typeof import('undici')

/** Where undici keeps the process's dispatcher, by the version of its contract. */
const CURRENT = Symbol.for('undici.globalDispatcher.2')
/** Before 7.27 that is here; later ones put a wrapper here for the older ones. */
const LEGACY = Symbol.for('undici.globalDispatcher.1')
/** Versions whose fetch reads LEGACY. */
const READS_LEGACY = /^([0-6]|7\.(1?\d|2[0-6]))\./

const globals = globalThis as { [key: symbol]: Dispatcher | undefined }

/** The dispatcher that the process's fetch uses; where none has been set or made yet, undici's own default. */
export async function globalDispatcher(): Promise<Dispatcher> {
  const legacyFirst = READS_LEGACY.test(process.versions['undici'] ?? '')
  const [first, second] = legacyFirst ? [LEGACY, CURRENT] : [CURRENT, LEGACY]
  return globals[first] ?? globals[second] ?? (await loadUndici()).getGlobalDispatcher()
}

/**
 * By its file, since Bun takes the bare name for a shim that cannot upgrade.
 *
 * undici 8 puts a wrapper in the place of a dispatcher that an older undici has been given: that one is put back.
 */
export async function loadUndici(): Promise<Undici> {
  const legacy = globals[LEGACY]
  const undici: Undici = await import('undici/index.js')
  if (legacy !== undefined) globals[LEGACY] = legacy
  return undici
}
