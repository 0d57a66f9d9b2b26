import type { HeaderField } from '../../../src/http-headers.ts'
import type { Draw } from '../draw.ts'

/** RFC 6455 §1.3: the key and the answer to it. */
export const KEY = 'dGhlIHNhbXBsZSBub25jZQ=='
export const ACCEPT = 's3pPLMBiTxaQ9kYGzzhZRbK+xOo='

const NAMES = [
  'Upgrade',
  'Connection',
  'Sec-WebSocket-Accept',
  'Sec-WebSocket-Protocol',
  'Sec-WebSocket-Extensions',
  'Content-Length',
  'Transfer-Encoding',
  'Location',
  'Retry-After',
  'Set-Cookie',
  'X-A',
  'date',
]
const VALUES: Readonly<Record<string, readonly string[]>> = {
  Upgrade: ['websocket', 'WebSocket', 'h2c', 'websocket, h2c', ''],
  Connection: ['Upgrade', 'keep-alive, upgrade', 'close', ',', ''],
  'Sec-WebSocket-Accept': [ACCEPT, ` ${ACCEPT}\t`, ACCEPT.toLowerCase(), ''],
  'Sec-WebSocket-Protocol': ['a', 'b', 'a, b', 'c', ''],
  'Sec-WebSocket-Extensions': ['permessage-deflate', 'permessage-deflate; client_max_window_bits=15', 'x', ''],
  'Content-Length': ['0', '5', '5, 5', '70000', '99999999999999999999', '-1', 'x'],
  'Transfer-Encoding': ['chunked', 'gzip, chunked', 'gzip', 'Chunked, ', ''],
  Location: ['/x', 'wss://b.example/y?z#f', 'http://u:p@b.example/', '//', 'ws://[', 'mailto:a', '\xe9'],
  'Retry-After': ['3', 'Fri, 31 Dec 1999 23:59:59 GMT', '-1', '99999999999', ''],
}
const ANY = ['', 'v', 'a, b', '"quoted, text"', '\xe9\xff', 'a'.repeat(200), ' \t ', '=;,']

/** A field of a response: of those that a handshake looks at, or another. */
function makeField(draw: Draw): HeaderField {
  const name = draw.pick(NAMES)
  const value = draw.oneIn(8) ? draw.pick(ANY) : draw.pick(VALUES[name] ?? ANY)
  return [draw.oneIn(4) ? name.toLowerCase() : name, value]
}

/** What a server that agrees answers with. */
const AGREEING: readonly HeaderField[] = [
  ['Upgrade', 'websocket'],
  ['Connection', 'Upgrade'],
  ['Sec-WebSocket-Accept', ACCEPT],
]

export function makeFields(draw: Draw): HeaderField[] {
  const fields = draw.list(4, 12, () => makeField(draw))
  if (draw.oneIn(3)) return fields
  // As it should be, or nearly.
  const agreeing = AGREEING.filter(() => !draw.oneIn(16))
  return draw.oneIn(2) ? [...agreeing, ...fields] : [...fields, ...agreeing]
}

const PRINTABLE = [...' !"#$%&\'()*+,-./0123456789:;<=>?@AZ[\\]^_`az{|}~']
const CONTROLS = [...'\0\t\n\r\x0b\x1f\x7f']
const OTHERS = ['\x80', '\x9f', '\xa0', '\xe9', '\xff', '\u0100', '\u2028', '\ud800', '\u{1f600}']

/** Text of which every part has a chance to be taken for syntax. */
export function makeSyntax(draw: Draw, words: readonly string[], average = 5): string {
  return draw
    .list(average, 40, () => {
      const kind = draw.below(16)
      if (kind < 11) return draw.pick(words)
      if (kind < 14) return draw.pick(PRINTABLE)
      return draw.pick(kind === 14 ? CONTROLS : OTHERS)
    })
    .join('')
}

/** Text with a few characters left out, doubled, changed or put in. */
export function mutateText(draw: Draw, text: string, average = 1): string {
  let mutated = text
  for (const _ of draw.list(average, 6, () => undefined)) {
    const at = draw.below(mutated.length + 1)
    const kind = draw.below(4)
    const put =
      kind === 0 ? '' : kind === 1 ? mutated.slice(at, at + 3).repeat(2) : makeSyntax(draw, ['0', '9', ',', ':'], 1)
    mutated = mutated.slice(0, at) + put + mutated.slice(at + draw.below(3))
  }
  return mutated
}
