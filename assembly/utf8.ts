/**
 * UTF-8 validation that can stop and go on anywhere (RFC 3629 §4).
 *
 * A state is 0 between characters. Inside one it says what has to follow:
 *
 *     bits 0–7    continuation bytes still missing
 *     bits 8–15   the least value of the next one
 *     bits 16–23  the greatest
 */
export const REJECT: i32 = -1

function expecting(missing: i32, least: i32, greatest: i32): i32 {
  return missing | (least << 8) | (greatest << 16)
}

/** The state after a character's first byte. */
function lead(byte: i32): i32 {
  if (byte < 0x80) return 0
  if (byte < 0xc2) return REJECT
  if (byte < 0xe0) return expecting(1, 0x80, 0xbf)
  if (byte < 0xf0) return expecting(2, byte === 0xe0 ? 0xa0 : 0x80, byte === 0xed ? 0x9f : 0xbf)
  if (byte < 0xf5) return expecting(3, byte === 0xf0 ? 0x90 : 0x80, byte === 0xf4 ? 0x8f : 0xbf)
  return REJECT
}

function step(state: i32, byte: i32): i32 {
  if (state === 0) return lead(byte)
  if (byte < ((state >> 8) & 0xff) || byte > ((state >> 16) & 0xff)) return REJECT
  const missing = (state & 0xff) - 1
  return missing === 0 ? 0 : expecting(missing, 0x80, 0xbf)
}

function isAsciiBlock(block: v128): bool {
  return i8x16.bitmask(block) === 0
}

/**
 * How many bytes from `address` on are ASCII, as far as blocks of 16 tell; the rest is less than a block or holds
 * others.
 */
function asciiPrefix(address: usize, length: u32): u32 {
  let at: u32 = 0
  while (at + 64 <= length) {
    const p = address + at
    const all = v128.or(v128.or(v128.load(p), v128.load(p, 16)), v128.or(v128.load(p, 32), v128.load(p, 48)))
    if (!isAsciiBlock(all)) break
    at += 64
  }
  while (at + 16 <= length && isAsciiBlock(v128.load(address + at))) at += 16
  return at
}

/** Whether all bytes are ASCII. */
export function isAscii(address: usize, length: u32): bool {
  let at = asciiPrefix(address, length)
  if (length - at >= 16) return false
  if (length >= 16) return isAsciiBlock(v128.load(address + length - 16))
  if (length >= 8)
    return isAsciiBlock(i64x2.replace_lane(v128.load64_zero(address), 1, load<u64>(address + length - 8)))
  let seen: u32 = 0
  while (at < length) seen |= load<u8>(address + at++)
  return seen < 0x80
}

/**
 * The errors in 16 bytes, given the 16 before them, after Keiser and Lemire, "Validating UTF-8 in less than one
 * instruction per byte" (2020). Each bit of the tables names a way in which two bytes in a row cannot be right; an
 * error is a bit that both halves of the first and the high half of the second agree on.
 */
function blockErrors(before: v128, block: v128): v128 {
  // What a high half of the first byte, its low half, and a high half of the second byte allow to be wrong.
  const firstHigh = i8x16(2, 2, 2, 2, 2, 2, 2, 2, -128, -128, -128, -128, 0x21, 0x01, 0x15, 0x49)
  const firstLow = i8x16(-25, -93, -125, -125, -117, -53, -53, -53, -53, -53, -53, -53, -53, -37, -53, -53)
  const secondHigh = i8x16(1, 1, 1, 1, 1, 1, 1, 1, -26, -82, -70, -70, 1, 1, 1, 1)
  const low = i8x16.splat(0x0f)
  const previous = i8x16.shuffle(before, block, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30)
  const pairs = v128.and(
    v128.and(i8x16.swizzle(firstHigh, i8x16.shr_u(previous, 4)), i8x16.swizzle(firstLow, v128.and(previous, low))),
    i8x16.swizzle(secondHigh, i8x16.shr_u(block, 4)),
  )
  // Two or three bytes after a lead of three or four there must be a continuation, and only there may be two in a row.
  const twoBefore = i8x16.shuffle(before, block, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29)
  const threeBefore = i8x16.shuffle(before, block, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28)
  const third = i8x16.sub_sat_u(twoBefore, i8x16.splat(0x60))
  const fourth = i8x16.sub_sat_u(threeBefore, i8x16.splat(0x70))
  const must = v128.and(v128.or(third, fourth), i8x16.splat(-128))
  return v128.xor(must, pairs)
}

/** Where the character begins that `at` would cut, `at` itself if it cuts none. A block before it is valid. */
function characterStart(at: usize): usize {
  let back: usize = 1
  while (back <= 3) {
    const byte = load<u8>(at - back)
    if (byte >= 0xc0) {
      const size: usize = byte >= 0xf0 ? 4 : byte >= 0xe0 ? 3 : 2
      return back < size ? at - back : at
    }
    if (byte < 0x80) return at
    back++
  }
  return at
}

/**
 * Validates a block or more from `address`, which begins a character; returns where to go on, 0 if something is wrong.
 */
function validateBlocks(address: usize, end: usize): usize {
  let at = address
  let before = i8x16.splat(0)
  let errors = i8x16.splat(0)
  while (at + 16 <= end) {
    const block = v128.load(at)
    errors = v128.or(errors, blockErrors(before, block))
    before = block
    at += 16
  }
  return v128.any_true(errors) ? 0 : characterStart(at)
}

/**
 * Goes on validating with `length` bytes from the state that the bytes before them have left.
 * Returns the new state, or REJECT as soon as no continuation could make the text valid.
 */
export function validate(address: usize, length: u32, state: i32): i32 {
  if (state === REJECT) return REJECT
  let at = address
  const end = address + length
  while (state !== 0 && at < end) {
    state = step(state, load<u8>(at++))
    if (state === REJECT) return REJECT
  }
  at += asciiPrefix(at, <u32>(end - at))
  if (end - at >= 16) {
    at = validateBlocks(at, end)
    if (at === 0) return REJECT
  }
  while (at < end) {
    state = step(state, load<u8>(at++))
    if (state === REJECT) return REJECT
  }
  return state
}
