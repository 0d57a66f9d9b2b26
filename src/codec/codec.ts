/** What the protocol asks of a codec; `wasm.ts` and `twin.ts` are the two that there are. */

/** The decoding side of one connection. */
export interface Decoder {
  /**
   * Decodes `length` bytes of the codec's memory, and returns how many rows of `table` tell what was found. Good until
   * the next call on any decoder of the codec.
   */
  decode(address: number, length: number): number
  /** How many bytes the last call took: all, unless the table was full or a rule was broken. */
  readonly consumed: number
  /** The number of the rule that the last call found broken (see violations.ts); 0 if none. */
  readonly violation: number
}

export interface Codec {
  readonly name: 'wasm' | 'js'
  /** All of the linear memory; `layout.ts` is its map. It never moves. */
  readonly memory: Uint8Array
  /** The same as a Buffer where there is Buffer: the form that strings and sockets are fast on. */
  readonly buffer: Uint8Array
  /** The rows of the last decode, `ROW_WORDS` words each. */
  readonly table: Uint32Array
  /** With permessage-deflate RSV1 has a meaning, and compressed text is not validated here. */
  createDecoder(withDeflate?: boolean): Decoder
  /**
   * Makes a frame of a payload that lies in memory with room before it: puts the header right before it and masks it in
   * place. Returns the address of the frame's first byte.
   */
  frame(payload: number, length: number, firstByte: number, key: number): number
  /** Writes the header of a frame whose payload will be `length` bytes; returns the address behind it. */
  header(address: number, firstByte: number, length: number, key: number): number
  /** Masks in place. The lowest byte of the key goes with the first byte. */
  mask(address: number, length: number, key: number): void
  /**
   * Goes on validating text: from a state (0 at first) to the next, 0 between characters, or -1 when it cannot become
   * valid.
   */
  validateUtf8(address: number, length: number, state: number): number
  /** Whether a Close frame may carry the code (RFC 6455 §7.4). */
  isValidCloseCode(code: number): boolean
}

/** The length of a client frame's header (RFC 6455 §5.2). */
export function headerLength(payloadLength: number): number {
  return payloadLength < 126 ? 6 : payloadLength < 65536 ? 8 : 14
}

/** The masking key to go on with after `count` bytes. */
export function rotateKey(key: number, count: number): number {
  const bits = (count & 3) * 8
  return (key >>> bits) | (key << (32 - bits))
}
