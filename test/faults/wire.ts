/**
 * What has been said in one direction of a connection that carries a WebSocket, as far as it shows where a frame is.
 */

/** A frame of RFC 6455. Offsets are those of the WebSocket's own bytes. */
interface WebSocketFrame {
  readonly start: number
  readonly payload: number
  readonly end: number
  readonly isFinal: boolean
  readonly opcode: number
}

export interface Wire {
  /** Where the head begins that accepts or asks for the WebSocket, and where it ends. */
  readonly head: { readonly start: number; readonly end: number } | undefined
  readonly frames: readonly WebSocketFrame[]
  /**
   * The offset in all that was said of the place before a byte of the WebSocket; undefined if that has not been
   * reached.
   */
  placeOf(offset: number): number | undefined
}

interface Content {
  readonly head: Wire['head']
  /** The offsets of the WebSocket's bytes. */
  readonly offsets: readonly number[]
}

const PREFACE = 24
const FRAME_HEADER = 9
const DATA = 0
const HEADERS = 1

export function readWire(said: Buffer, httpVersion: '1.1' | '2', direction: 'up' | 'down'): Wire {
  const content = httpVersion === '1.1' ? overHttp1(said) : overHttp2(said, direction === 'up' ? PREFACE : 0)
  const { head, offsets } = content
  const bytes = Buffer.from(offsets.map((offset) => said[offset]!))
  // Behind the byte before it, wherever the next one will be.
  const placeOf = (offset: number) => (offset === 0 ? offsets[0] : add(offsets[offset - 1], 1))
  return { head, frames: framesIn(bytes), placeOf }
}

function add(offset: number | undefined, more: number): number | undefined {
  return offset === undefined ? undefined : offset + more
}

function overHttp1(said: Buffer): Content {
  const length = said.indexOf('\r\n\r\n')
  if (length < 0) return { head: undefined, offsets: [] }
  const end = length + 4
  return { head: { start: 0, end }, offsets: Array.from({ length: said.length - end }, (_, index) => end + index) }
}

/** RFC 9113 §4.1. There is one stream. */
function overHttp2(said: Buffer, start: number): Content {
  const offsets: number[] = []
  let head: Wire['head']
  for (let at = start; at + FRAME_HEADER <= said.length; ) {
    const payload = at + FRAME_HEADER
    const end = payload + said.readUIntBE(at, 3)
    const type = said[at + 3]
    if (type === HEADERS) head ??= { start: payload, end }
    if (type === DATA) for (let byte = payload; byte < Math.min(end, said.length); byte++) offsets.push(byte)
    at = end
  }
  return { head, offsets }
}

/** RFC 6455 §5.2; none of the frames is long. */
function framesIn(bytes: Buffer): WebSocketFrame[] {
  const frames: WebSocketFrame[] = []
  for (let start = 0; start + 2 <= bytes.length; ) {
    const first = bytes[start]!
    const second = bytes[start + 1]!
    const payload = start + 2 + (second & 0x80 ? 4 : 0)
    const end = payload + (second & 0x7f)
    frames.push({ start, payload, end, isFinal: (first & 0x80) !== 0, opcode: first & 15 })
    start = end
  }
  return frames
}
