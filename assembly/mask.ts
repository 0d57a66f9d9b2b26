/** From here on the time to align the first bytes is won back. */
const ALIGN_FROM: u32 = 16384

/**
 * Masks bytes in place (RFC 6455 §5.3).
 * `key` holds the four octets of the masking key, the first in the lowest byte; it applies from the first of the bytes
 * on.
 */
export function mask(address: usize, length: u32, key: u32): void {
  let at = address
  const end = at + length
  if (length >= ALIGN_FROM) {
    while (at & 15) {
      store<u8>(at, load<u8>(at) ^ <u8>key)
      key = rotr<u32>(key, 8)
      at++
    }
  }
  const keys = i32x4.splat(key)
  const end64 = at + ((end - at) & ~63)
  while (at < end64) {
    v128.store(at, v128.xor(v128.load(at), keys))
    v128.store(at, v128.xor(v128.load(at, 16), keys), 16)
    v128.store(at, v128.xor(v128.load(at, 32), keys), 32)
    v128.store(at, v128.xor(v128.load(at, 48), keys), 48)
    at += 64
  }
  const end16 = at + ((end - at) & ~15)
  while (at < end16) {
    v128.store(at, v128.xor(v128.load(at), keys))
    at += 16
  }
  if (end - at >= 8) {
    store<u64>(at, load<u64>(at) ^ (((<u64>key) << 32) | key))
    at += 8
  }
  if (end - at >= 4) {
    store<u32>(at, load<u32>(at) ^ key)
    at += 4
  }
  while (at < end) {
    store<u8>(at, load<u8>(at) ^ <u8>key)
    key >>= 8
    at++
  }
}
