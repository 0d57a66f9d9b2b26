const MiB = 1024 * 1024
/** On both sides of every form of a frame's length, and more than any window. */
export const SIZES: readonly number[] = [0, 1, 125, 126, 65_535, 65_536, MiB, 16 * MiB]
/** Characters of one to four bytes; eleven together. */
const CHARACTERS = 'aé€😀z'

/** Bytes that do not repeat with any power of two. */
export function binary(size: number): Uint8Array {
  return Uint8Array.from({ length: size }, (_, index) => index % 251)
}

/** So many bytes of text, as far as possible not of ASCII. */
export function text(size: number): string {
  return CHARACTERS.repeat(size / 11) + 'x'.repeat(size % 11)
}

/** So many letters, no two lines the same. */
export function ascii(size: number): string {
  let lines = ''
  for (let number = 0; lines.length < size; number++) lines += `line ${number}\n`
  return lines.slice(0, size)
}
