/**
 * UTF-8 validation that can stop and go on anywhere (RFC 3629 §4): the plain twin of `assembly/utf8.ts`, and the same
 * states.
 */
export const REJECT = -1

const expecting = (missing: number, least: number, greatest: number) => missing | (least << 8) | (greatest << 16)

/** The state after a character's first byte. */
function lead(byte: number): number {
  if (byte < 0x80) return 0
  if (byte < 0xc2) return REJECT
  if (byte < 0xe0) return expecting(1, 0x80, 0xbf)
  if (byte < 0xf0) return expecting(2, byte === 0xe0 ? 0xa0 : 0x80, byte === 0xed ? 0x9f : 0xbf)
  if (byte < 0xf5) return expecting(3, byte === 0xf0 ? 0x90 : 0x80, byte === 0xf4 ? 0x8f : 0xbf)
  return REJECT
}

function step(state: number, byte: number): number {
  if (state === 0) return lead(byte)
  if (byte < ((state >> 8) & 0xff) || byte > ((state >> 16) & 0xff)) return REJECT
  const missing = (state & 0xff) - 1
  return missing === 0 ? 0 : expecting(missing, 0x80, 0xbf)
}

export function isAscii(bytes: Uint8Array, from: number, to: number): boolean {
  for (let at = from; at < to; at++) if (bytes[at]! >= 0x80) return false
  return true
}

/** The state after the bytes from `from` to `to`. */
export function validate(bytes: Uint8Array, from: number, to: number, state: number): number {
  for (let at = from; at < to && state !== REJECT; at++) state = step(state, bytes[at]!)
  return state
}
