/**
 * Strings in and out of linear memory. Node's Buffer is much faster at it than TextEncoder and TextDecoder, which every
 * runtime has.
 */
interface MemoryText {
  /** Writes UTF-8 at an address, lone surrogates as U+FFFD; returns its length. There is room for `room` bytes. */
  write(text: string, memory: Uint8Array, address: number, room: number): number
  encode(text: string): Uint8Array
  /** Whether a text is known to be ASCII: false where finding out is not worth while. */
  isAscii(text: string): boolean
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
}
interface BufferConstructor {
  from(memory: ArrayBufferLike): BufferLike
  from(text: string, encoding: 'utf8'): BufferLike
  byteLength(text: string): number
}
const NodeBuffer = (globalThis as unknown as { Buffer?: BufferConstructor }).Buffer

/** A view that the functions below are fast on. */
export function memoryView(memory: ArrayBufferLike): Uint8Array {
  return NodeBuffer ? NodeBuffer.from(memory) : new Uint8Array(memory)
}

function bufferText(Buffer: BufferConstructor): MemoryText {
  return {
    write: (text, memory, address, room) => (memory as BufferLike).utf8Write(text, address, room),
    encode: (text) => Buffer.from(text, 'utf8'),
    isAscii: (text) => Buffer.byteLength(text) === text.length,
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
  return {
    write: (text, memory, address, room) => encoder.encodeInto(text, memory.subarray(address, address + room)).written,
    encode: (text) => encoder.encode(text),
    isAscii: () => false,
    isBytewise: false,
    fromAscii: decode,
    fromUtf8: decode,
  }
}

export const memoryText: MemoryText = NodeBuffer ? bufferText(NodeBuffer) : standardText()
