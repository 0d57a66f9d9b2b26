/**
 * Frames as servers and the raw peer need them, built byte by byte: neither side of the benchmark is measured with
 * hawser's codec.
 */
export type Kind = 'text' | 'binary'

/** What every message holds; the server in C has the same. */
export function payload(size: number): Buffer {
  return Buffer.alloc(size, 'The quick brown fox jumps over the lazy dog. ')
}

/**
 * One frame that is a whole message (RFC 6455 §5.2). A client's has a key of zeros, which leaves the payload as it is.
 */
export function frame(kind: Kind, content: Buffer, masked: boolean): Buffer {
  const size = content.length
  const length = size < 126 ? [size] : size < 65536 ? [126, size >> 8, size & 255] : [127, 0, 0, 0, 0, ...bytes32(size)]
  if (masked) length[0]! |= 0x80
  const head = [kind === 'text' ? 0x81 : 0x82, ...length]
  return Buffer.concat([Buffer.from(masked ? [...head, 0, 0, 0, 0] : head), content])
}

function bytes32(value: number): number[] {
  return [value >>> 24, (value >>> 16) & 255, (value >>> 8) & 255, value & 255]
}
