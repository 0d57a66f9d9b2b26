import { Flush, type RawStream, rawStreams } from '../../../src/deflate/zlib.ts'

export const STREAMS = rawStreams()!
/** What a message is sent without (RFC 7692 §7.2.1). */
export const TAIL = Uint8Array.of(0, 0, 0xff, 0xff)

const streams = new Map<number, RawStream>()
const output = Buffer.alloc(1 << 17)

/** A server's compression: forgets all that was before, if it is a new one. */
export function compressor(windowBits: number, takeover: boolean): (payload: Uint8Array) => Uint8Array {
  const stream = streams.get(windowBits) ?? STREAMS.deflate(windowBits)
  streams.set(windowBits, stream)
  stream.reset()
  return (payload) => {
    if (!takeover) stream.reset()
    // zlib does not flush twice without anything between: an empty message is a block of nothing (RFC 7692 §7.2.3.6).
    if (payload.length === 0) return Uint8Array.of(0)
    stream.write(Flush.sync, payload, 0, payload.length, output, 0, output.length)
    return output.slice(0, stream.produced - TAIL.length)
  }
}
