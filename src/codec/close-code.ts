/** The longest reason of a Close frame in UTF-8: a control frame's 125 bytes less the code (RFC 6455 §5.5). */
export const MAX_REASON_BYTES = 123

/**
 * Whether a Close frame may carry a code (RFC 6455 §7.4): the defined ones that travel, those that IANA registered
 * since (1012–1014), and those of libraries and applications. The plain twin of `assembly/close-code.ts`.
 */
export function isValidCloseCode(code: number): boolean {
  if (code >= 3000) return code < 5000
  return code >= 1000 && code <= 1014 && code !== 1004 && code !== 1005 && code !== 1006
}
