/** Frames as the server and the raw peer need them, built byte by byte: neither side of a benchmark is measured with our codec. */
export type Kind = 'text' | 'binary'

export function payload(size: number): Buffer {
  return Buffer.alloc(size, 'The quick brown fox jumps over the lazy dog. ')
}

export function frame(kind: Kind, size: number, mask: boolean): Buffer {
  const length = size < 126 ? [size] : size < 65536 ? [126, size >> 8, size & 255] : [127, 0, 0, 0, 0, ...bytes32(size)]
  if (mask) length[0]! |= 0x80
  const head = [kind === 'text' ? 0x81 : 0x82, ...length]
  // A key of zeros leaves the payload as it is.
  return Buffer.concat([Buffer.from(mask ? [...head, 0, 0, 0, 0] : head), payload(size)])
}

function bytes32(value: number): number[] {
  return [value >>> 24, (value >>> 16) & 255, (value >>> 8) & 255, value & 255]
}

/** Frames, as many as make writes worth their while. */
export function block(kind: Kind, size: number, mask: boolean): { bytes: Buffer; messages: number } {
  const one = frame(kind, size, mask)
  const messages = Math.max(1, Math.floor(65536 / one.length))
  return { bytes: Buffer.concat(Array(messages).fill(one)), messages }
}
