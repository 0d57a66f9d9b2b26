import { addAbortSignal, PassThrough } from 'node:stream'
import { isBun, isDeno } from './runtime.ts'

/**
 * The error that a stream of Node has to be destroyed with to be reset with CANCEL at once: its `close` would send
 * END_STREAM first. It is the one that Node makes when a signal aborts. A signal for each stream would be a good part
 * of what an idle socket takes, and an error for each that is cancelled, much of the time for it. Undefined in other
 * runtimes, where only a signal does it.
 */
export const CANCELLED: Error | undefined = isBun || isDeno ? undefined : abortError()

function abortError(): Error | undefined {
  const stream = new PassThrough()
  stream.on('error', () => {})
  return addAbortSignal(AbortSignal.abort(), stream).errored ?? undefined
}

/** What a stream is requested with so that it can be cancelled, and how that is done. */
export interface Canceller {
  readonly signal: AbortSignal
  cancel(): void
}

/** Undefined where {@link CANCELLED} will do. */
export function canceller(): Canceller | undefined {
  if (CANCELLED !== undefined) return undefined
  const controller = new AbortController()
  return { signal: controller.signal, cancel: () => controller.abort() }
}
