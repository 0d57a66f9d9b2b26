/**
 * Whether a Close frame may carry a code (RFC 6455 §7.4): the defined ones that travel, those that IANA registered
 * since (1012–1014), and those of libraries and applications.
 */
export function isValidCloseCode(code: u32): bool {
  if (code >= 3000) return code < 5000
  return code >= 1000 && code <= 1014 && code !== 1004 && code !== 1005 && code !== 1006
}
