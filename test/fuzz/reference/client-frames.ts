/** What a client sent, read octet by octet after RFC 6455 §5.2. */
import { broken } from '../target.ts'

export interface ClientFrame {
  readonly firstByte: number
  /** Unmasked. */
  readonly payload: Uint8Array
}

/** Takes whole frames off the front of bytes; what is left is the beginning of another. Fails for what no client may send. */
export class ClientFrameReader {
  rest: Uint8Array = new Uint8Array(0)

  take(bytes: Uint8Array): ClientFrame[] {
    const wire = this.rest.length === 0 ? bytes : Buffer.concat([this.rest, bytes])
    const frames: ClientFrame[] = []
    let at = 0
    for (;;) {
      const length = frameLength(wire, at)
      if (length === undefined || at + length > wire.length) break
      frames.push(readFrame(wire.subarray(at, at + length)))
      at += length
    }
    this.rest = new Uint8Array(wire.subarray(at))
    return frames
  }
}

/** Frames that have to be complete. */
export function readClientFrames(bytes: Uint8Array): ClientFrame[] {
  const reader = new ClientFrameReader()
  const frames = reader.take(bytes)
  if (reader.rest.length > 0) broken(`A frame is cut off: ${Buffer.from(reader.rest).toString('hex')}`)
  return frames
}

/** Header, key and payload; undefined while the header is not there. */
function frameLength(wire: Uint8Array, at: number): number | undefined {
  const second = wire[at + 1]
  if (second === undefined) return undefined
  if (second < 0x80) broken('A frame is not masked')
  const short = second & 0x7f
  const extended = short < 126 ? 0 : short === 126 ? 2 : 8
  const digits = wire.subarray(at + 2, at + 2 + extended)
  if (digits.length < extended) return undefined
  const length = extended === 0 ? short : digits.reduce((sum, byte) => sum * 256 + byte, 0)
  if (length < (extended === 0 ? 0 : extended === 2 ? 126 : 65_536)) broken('A length is not in its shortest form')
  return 2 + extended + 4 + length
}

function readFrame(frame: Uint8Array): ClientFrame {
  const short = frame[1]! & 0x7f
  const from = 2 + (short < 126 ? 0 : short === 126 ? 2 : 8)
  const payload = new Uint8Array(frame.subarray(from + 4))
  for (let i = 0; i < payload.length; i++) payload[i]! ^= frame[from + (i & 3)]!
  return { firstByte: frame[0]!, payload }
}
