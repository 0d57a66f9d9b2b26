const { Buffer: NodeBuffer } = globalThis as { Buffer?: { byteLength(text: string): number } }

/** How many bytes a string takes in UTF-8, a lone surrogate as U+FFFD. */
export const utf8Length: (text: string) => number = NodeBuffer ? (text) => NodeBuffer.byteLength(text) : countedLength

/** For runtimes without Buffer; exported for its test. */
export function countedLength(text: string): number {
  let length = 0
  for (let i = 0; i < text.length; i++) {
    const unit = text.charCodeAt(i)
    if (unit < 0x80) length += 1
    else if (unit < 0x800) length += 2
    else if (isPair(text, i)) {
      length += 4
      i++
    } else length += 3
  }
  return length
}

function isPair(text: string, at: number): boolean {
  return (text.charCodeAt(at) & 0xfc00) === 0xd800 && (text.charCodeAt(at + 1) & 0xfc00) === 0xdc00
}
