import { mask } from './mask'

const MASKED: u8 = 0x80

/** The length of a client frame's header: RFC 6455 §5.2, with a masking key. */
function headerLength(payloadLength: u64): usize {
  return payloadLength < 126 ? 6 : payloadLength < 65536 ? 8 : 14
}

/**
 * Writes the header of a frame whose payload is `payloadLength` bytes.
 * `firstByte` is FIN, RSV1–3 and opcode as they go on the wire.
 * Returns the address behind the header.
 */
export function header(address: usize, firstByte: u32, payloadLength: f64, key: u32): usize {
  const length = <u64>payloadLength
  store<u8>(address, <u8>firstByte)
  if (length < 126) {
    store<u8>(address, MASKED | <u8>length, 1)
  } else if (length < 65536) {
    store<u8>(address, MASKED | 126, 1)
    store<u16>(address, bswap<u16>(<u16>length), 2)
  } else {
    store<u8>(address, MASKED | 127, 1)
    store<u64>(address, bswap<u64>(length), 2)
  }
  const behind = address + headerLength(length)
  store<u32>(behind - 4, key)
  return behind
}

/**
 * Makes a frame of a payload that lies ready: the header goes right before it, and it is masked where it is.
 * Returns the address of the frame's first byte.
 */
export function frame(payload: usize, length: u32, firstByte: u32, key: u32): usize {
  const start = payload - headerLength(length)
  header(start, firstByte, length, key)
  mask(payload, length, key)
  return start
}
