/** What a peer can do wrong, by the numbers that the decoders give; the first column is the Close code it asks for. */
export interface Violation {
  readonly closeCode: 1002 | 1007
  readonly name: string
  readonly message: string
}

const rule = (closeCode: 1002 | 1007, name: string, message: string): Violation => ({ closeCode, name, message })

/** The index is the number; 0 is no violation. Sections are of RFC 6455. */
export const VIOLATIONS: readonly (Violation | undefined)[] = [
  undefined,
  rule(1002, 'reserved-bits', 'A frame has a reserved bit set that no extension gave a meaning (§5.2).'),
  rule(1002, 'reserved-opcode', 'A frame has a reserved opcode (§5.2).'),
  rule(1002, 'fragmented-control', 'A control frame is fragmented (§5.5).'),
  rule(1002, 'long-control', 'A control frame has more than 125 bytes of payload (§5.5).'),
  rule(1002, 'unexpected-continuation', 'A continuation frame came without a message to continue (§5.4).'),
  rule(1002, 'expected-continuation', 'A new message began before the last one had ended (§5.4).'),
  rule(1002, 'masked', 'The server masked a frame (§5.1).'),
  rule(1002, 'length-not-minimal', 'A payload length is not in its shortest form (§5.2).'),
  rule(1002, 'length-too-large', 'A payload length has its most significant bit set (§5.2).'),
  rule(1007, 'invalid-utf8', 'A text message is not valid UTF-8 (§8.1).'),
  rule(1002, 'short-close', 'A Close frame has a payload of one byte (§5.5.1).'),
  rule(1002, 'invalid-close-code', 'A Close frame has a code that may not be sent (§7.4).'),
  rule(1007, 'invalid-close-reason', 'The reason of a Close frame is not valid UTF-8 (§5.5.1).'),
  rule(1007, 'invalid-deflate', 'A compressed message is corrupt or incomplete (RFC 7692 §7.2.2).'),
]

export const RESERVED_BITS = 1
export const RESERVED_OPCODE = 2
export const FRAGMENTED_CONTROL = 3
export const LONG_CONTROL = 4
export const UNEXPECTED_CONTINUATION = 5
export const EXPECTED_CONTINUATION = 6
export const MASKED = 7
export const LENGTH_NOT_MINIMAL = 8
export const LENGTH_TOO_LARGE = 9
export const INVALID_UTF8 = 10
export const SHORT_CLOSE = 11
export const INVALID_CLOSE_CODE = 12
export const INVALID_CLOSE_REASON = 13
export const INVALID_DEFLATE = 14
