/** The grammar that the fields of HTTP share (RFC 9110 §5), and bytes as text. */

/** RFC 9110 §5.6.2. */
const TOKEN = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/

/** RFC 9110 §5.5: visible ASCII, obs-text, SP and HTAB. */
const FIELD_TEXT = /^[\t\x20-\x7e\x80-\xff]*$/

/** Whether text may be the name of a field, a subprotocol, an element of most lists. */
export function isToken(text: string): boolean {
  return TOKEN.test(text)
}

/** Whether text may be the value of a field: it holds no control character but HTAB, and nothing above U+00FF. */
export function isFieldText(text: string): boolean {
  return FIELD_TEXT.test(text)
}

/** Text without the white space of RFC 9110 §5.6.3 around it; `String.trim` would take line ends and more as well. */
export function trimWhiteSpace(text: string): string {
  let start = 0
  let end = text.length
  while (start < end && isWhiteSpace(text.charCodeAt(start))) start++
  while (end > start && isWhiteSpace(text.charCodeAt(end - 1))) end--
  return text.slice(start, end)
}

function isWhiteSpace(code: number): boolean {
  return code === 0x20 || code === 0x09
}

/**
 * The elements of a comma-separated list that may be spread over repeated fields; empty ones do not count (RFC 9110
 * §5.6.1). Only for lists whose elements have no quoted strings.
 */
export function listElements(values: readonly string[]): string[] {
  return values
    .flatMap((value) => value.split(','))
    .map(trimWhiteSpace)
    .filter((element) => element !== '')
}

/**
 * Bytes as characters of the same number. `TextDecoder('latin1')` would be windows-1252, which differs from 0x80 to
 * 0x9F.
 */
export function latin1(bytes: Uint8Array): string {
  let text = ''
  for (const byte of bytes) text += String.fromCharCode(byte)
  return text
}

const QUOTED_LENGTH = 40

/** What a peer sent, made fit for an error message: short, in quotes, on one line, ASCII only. */
export function quoted(text: string): string {
  const start = text
    .slice(0, QUOTED_LENGTH)
    .replace(/["\\]/g, '\\$&')
    .replace(/[^\x20-\x7e]/g, (character) => `\\x${hex(character)}`)
  return `"${start}${text.length > QUOTED_LENGTH ? '…' : ''}"`
}

/** A character up to U+00FF as two hexadecimal digits. */
export function hex(character: string): string {
  return character.charCodeAt(0).toString(16).toUpperCase().padStart(2, '0')
}
