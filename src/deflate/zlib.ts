/**
 * Raw deflate (RFC 1951) by the runtime's node:zlib, synchronously: a message of the usual size takes a few
 * microseconds, less than handing it to another thread and back. Whoever has a large one does it in steps.
 *
 * The public streams of node:zlib only work asynchronously, and its synchronous functions forget everything after each
 * call. The handle below them, which is the same in Node, Deno, Bun and Workers, does what is needed, and writes where
 * it is told to.
 */

interface ZlibHandle {
  /** Leaves what is left of output and input in `_writeState`. */
  writeSync(
    flush: number,
    input: Uint8Array,
    from: number,
    length: number,
    output: Uint8Array,
    at: number,
    room: number,
  ): void
  onerror: (message: string) => void
}

interface ZlibStream {
  readonly _handle: ZlibHandle | null
  readonly _writeState: Uint32Array
  reset(): void
  close(): void
  on(event: 'error', listener: () => void): void
}

interface ZlibOptions {
  readonly windowBits: number
  readonly chunkSize: number
  readonly dictionary?: Uint8Array
}

interface Zlib {
  createInflateRaw(options: ZlibOptions): ZlibStream
  createDeflateRaw(options: ZlibOptions): ZlibStream
}

/** The least that zlib's own buffer may be, which nobody writes to. Its default would be 16 KiB for each stream. */
const MIN_CHUNK = 64
const NOTHING = new Uint8Array(0)

/** What a write is asked for: as much output as comes of itself, all there is, or to stop at the end of a block. */
export const Flush = { none: 0, sync: 2, block: 5 } as const

/** A stream of zlib. Its window and its place within a block outlast a call. */
export class RawStream {
  /** Bytes of input and output of the last call. */
  consumed = 0
  produced = 0
  /** Whether the data have been found corrupt; the stream is of no more use. */
  failed = false
  readonly #stream: ZlibStream
  readonly #handle: ZlibHandle

  constructor(stream: ZlibStream) {
    this.#stream = stream
    this.#handle = stream._handle!
    // In its own way zlib would throw the error at nobody, later.
    stream.on('error', () => {})
    this.#handle.onerror = () => {
      this.failed = true
    }
  }

  /** Takes input until it is used up, or until there is no more room for output. */
  write(
    flush: number,
    input: Uint8Array,
    from: number,
    length: number,
    output: Uint8Array,
    at: number,
    room: number,
  ): void {
    this.#handle.writeSync(flush, input, from, length, output, at, room)
    // Workers call nobody, but destroy the stream.
    this.failed ||= this.#stream._handle === null
    // After a failure the state is that of the call before.
    const [roomLeft = 0, inputLeft = 0] = this.failed ? [room, length] : this.#stream._writeState
    this.consumed = length - inputLeft
    this.produced = room - roomLeft
  }

  /** Forgets everything, as if it were new. Not for one that was made with a history. */
  reset(): void {
    this.#stream.reset()
  }

  close(): void {
    this.#stream.close()
  }
}

/** Makes a stream whose window begins with a history, if one is given. */
export type CreateRawStream = (windowBits: number, history?: Uint8Array) => RawStream

export interface RawStreams {
  readonly inflate: CreateRawStream
  readonly deflate: CreateRawStream
  /** Whether a stream can be made that begins with a history; Deno ignores it. */
  readonly takesHistory: boolean
}

let found: RawStreams | undefined

/** The zlib of this runtime; undefined where there is none, as in Workers without `nodejs_compat`. */
export function rawStreams(): RawStreams | undefined {
  found ??= lookUp()
  return found
}

interface ProcessLike {
  getBuiltinModule?(name: 'node:zlib'): unknown
}

function lookUp(): RawStreams | undefined {
  const { process } = globalThis as { process?: ProcessLike }
  const zlib = process?.getBuiltinModule?.('node:zlib') as Zlib | undefined
  const optionsOf = (windowBits: number, history: Uint8Array = NOTHING): ZlibOptions => {
    const options = { windowBits, chunkSize: MIN_CHUNK }
    return history.length === 0 ? options : { ...options, dictionary: history }
  }
  if (zlib === undefined || !hasHandle(zlib.createInflateRaw(optionsOf(15)))) return undefined
  const inflate: CreateRawStream = (bits, history) => new RawStream(zlib.createInflateRaw(optionsOf(bits, history)))
  const deflate: CreateRawStream = (bits, history) => new RawStream(zlib.createDeflateRaw(optionsOf(bits, history)))
  return { inflate, deflate, takesHistory: remembers(deflate) }
}

function hasHandle(stream: ZlibStream): boolean {
  const isThere = typeof stream._handle?.writeSync === 'function'
  stream.close()
  return isThere
}

/** What was said before need not be said again: it shows in the length. */
function remembers(deflate: CreateRawStream): boolean {
  const text = Uint8Array.from({ length: 100 }, (_, index) => (index * 37) & 0xff)
  const output = new Uint8Array(200)
  const stream = deflate(15, text)
  stream.write(Flush.sync, text, 0, text.length, output, 0, output.length)
  stream.close()
  return stream.produced < text.length / 2
}
