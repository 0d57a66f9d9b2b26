/** RFC 6455 §5.2; continuation frames have opcode 0. */
export const Opcode = { continuation: 0, text: 1, binary: 2, close: 8, ping: 9, pong: 10 } as const
/** The first byte of a frame that ends its message. */
export const FINAL = 0x80
/** The bit of the first byte that marks a compressed message (RFC 7692 §6). */
export const RSV1 = 0x40
