/**
 * Strings in and out of linear memory. Node's Buffer is much faster at it than TextEncoder and TextDecoder, which every
 * runtime has.
 */
interface MemoryText {
  /** Writes UTF-8 at an address, lone surrogates as U+FFFD; returns its length. There is room for `room` bytes. */
  write(text: string, memory: Uint8Array, address: number, room: number): number
  encode(text: string): Uint8Array
  /** As `encode`, for bytes that are needed no longer than until the next call. */
  encodeBriefly(text: string): Uint8Array
  /** Whether `fromAscii` makes one unit of each byte, also of those that are not ASCII. */
  readonly isBytewise: boolean
  /** Of bytes that are known to be ASCII. */
  fromAscii(bytes: Uint8Array, from: number, to: number): string
  /** Of bytes that are known to be valid UTF-8. */
  fromUtf8(bytes: Uint8Array, from: number, to: number): string
}

// Typed here since not every runtime has its types.
type BufferLike = Uint8Array & {
  utf8Write(text: string, at: number, room: number): number
  latin1Slice(from: number, to: number): string
  utf8Slice(from: number, to: number): string
  subarray(from: number, to: number): BufferLike
}
interface BufferConstructor {
  from(memory: ArrayBufferLike): BufferLike
  from(text: string, encoding: 'utf8'): BufferLike
  allocUnsafeSlow(length: number): BufferLike
}
const NodeBuffer = (globalThis as unknown as { Buffer?: BufferConstructor }).Buffer

/** A view that the functions below are fast on. */
export function memoryView(memory: ArrayBufferLike): Uint8Array {
  return NodeBuffer ? NodeBuffer.from(memory) : new Uint8Array(memory)
}

/** Texts of at most so many units are encoded in the same place again: a new one costs more than to encode them. */
const BRIEF_UNITS = 1 << 20
/** A UTF-16 unit takes at most this many bytes of UTF-8. */
export const UTF8_PER_UNIT = 3

function bufferText(Buffer: BufferConstructor): MemoryText {
  let place: BufferLike | undefined
  return {
    write: (text, memory, address, room) => (memory as BufferLike).utf8Write(text, address, room),
    encode: (text) => Buffer.from(text, 'utf8'),
    encodeBriefly: (text) => {
      if (text.length > BRIEF_UNITS) return Buffer.from(text, 'utf8')
      place ??= Buffer.allocUnsafeSlow(UTF8_PER_UNIT * BRIEF_UNITS)
      return place.subarray(0, place.utf8Write(text, 0, place.length))
    },
    isBytewise: true,
    fromAscii: (bytes, from, to) => (bytes as BufferLike).latin1Slice(from, to),
    fromUtf8: (bytes, from, to) => (bytes as BufferLike).utf8Slice(from, to),
  }
}

/** For runtimes without Buffer; exported for its test. */
export function standardText(): MemoryText {
  const encoder = new TextEncoder()
  // A byte order mark belongs to the message.
  const decoder = new TextDecoder('utf-8', { ignoreBOM: true })
  const decode = (bytes: Uint8Array, from: number, to: number) => decoder.decode(bytes.subarray(from, to))
  const encode = (text: string) => encoder.encode(text)
  return {
    write: (text, memory, address, room) => encoder.encodeInto(text, memory.subarray(address, address + room)).written,
    encode,
    encodeBriefly: encode,
    isBytewise: false,
    fromAscii: decode,
    fromUtf8: decode,
  }
}

export const memoryText: MemoryText = NodeBuffer ? bufferText(NodeBuffer) : standardText()
