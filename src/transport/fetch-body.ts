/** The body of a refusal that came by a fetch: as much of it as is kept of any. */
import { abortable } from '../abortable.ts'
import { BODY_LIMIT, BODY_TIME_LIMIT } from '../handshake/refusal.ts'
import type { Refused } from './contracts.ts'

/** The body of a Response, as far as it is looked at. */
export interface FetchBody {
  /** Whether somebody else reads it. */
  readonly locked?: boolean
  getReader(): BodyReader
  cancel(): Promise<void>
}

interface BodyReader {
  read(): Promise<{ readonly done: boolean; readonly value?: Uint8Array | undefined }>
  cancel(): Promise<void>
}

/** Reads until the end, the limit, BODY_TIME_LIMIT milliseconds, or the signal, whatever comes first. Never fails. */
export async function readBody(
  body: FetchBody | null | undefined,
  signal: AbortSignal,
): Promise<Pick<Refused, 'body' | 'bodyTruncated'>> {
  // A fetch of the caller's may have read it already.
  if (!body || body.locked) return { body: new Uint8Array(0), bodyTruncated: !!body }
  const reader = body.getReader()
  const kept = new KeptBody()
  const { promise: timeUp, resolve: stop } = Promise.withResolvers<boolean>()
  const timer = setTimeout(stop, BODY_TIME_LIMIT, false)
  const isComplete = await Promise.race([abortable(kept.fill(reader), signal), timeUp]).catch(() => false)
  clearTimeout(timer)
  if (!isComplete) reader.cancel().catch(() => {})
  return { body: kept.bytes, bodyTruncated: !isComplete }
}

class KeptBody {
  readonly #kept = new Uint8Array(BODY_LIMIT)
  #length = 0

  /** A copy of what has been kept by now. */
  get bytes(): Uint8Array {
    return this.#kept.slice(0, this.#length)
  }

  /** Keeps what comes, up to the limit; whether that was all. */
  async fill(reader: BodyReader): Promise<boolean> {
    for (;;) {
      const { done, value } = await reader.read()
      if (done) return true
      if (value !== undefined && !this.#keep(value)) return false
    }
  }

  #keep(part: Uint8Array): boolean {
    const kept = part.subarray(0, BODY_LIMIT - this.#length)
    this.#kept.set(kept, this.#length)
    this.#length += kept.length
    return kept.length === part.length
  }
}
