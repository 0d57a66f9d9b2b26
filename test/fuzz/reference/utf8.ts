import { isUtf8 } from 'node:buffer'

/** What any beginning of a character can go on with, if it can go on at all. */
const ENDINGS = ['', '80', '8080', 'bf80', '808080', 'bf8080'].map((digits) => Buffer.from(digits, 'hex'))

/** Whether bytes are the beginning of some valid text: whether there is an ending with which the runtime takes them. */
export function canBecomeText(bytes: Uint8Array): boolean {
  return ENDINGS.some((ending) => isUtf8(ending.length === 0 ? bytes : Buffer.concat([bytes, ending])))
}

/** The index of the first byte after which bytes cannot become text any more; undefined if they can. */
export function firstBadByte(bytes: Uint8Array): number | undefined {
  if (canBecomeText(bytes)) return undefined
  let [fine, bad] = [0, bytes.length]
  while (bad - fine > 1) {
    const middle = (fine + bad) >> 1
    if (canBecomeText(bytes.subarray(0, middle))) fine = middle
    else bad = middle
  }
  return fine
}

export { isUtf8 }
