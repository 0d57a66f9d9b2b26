/** Any headers that a caller gives: an OptionsError that shows no value, or a request that is what was meant. */
import { checkHeaders } from '../../../src/handshake/caller-headers.ts'
import { buildRequest } from '../../../src/handshake/request.ts'
import { serializeRequest } from '../../../src/handshake/serialize-request.ts'
import type { HeadersInit } from '../../../src/options.ts'
import type { Draw } from '../draw.ts'
import { attemptOption, SECRET } from '../judge/attempt.ts'
import { judgeRequest } from '../judge/request.ts'
import { makeSyntax } from '../make/fields.ts'
import { broken, type Target } from '../target.ts'

interface Case {
  readonly headers: unknown
  readonly cookie: string
}

const NAMES = [
  'X-A',
  'authorization',
  'Host',
  'Cookie',
  'Origin',
  'User-Agent',
  'connection',
  'Sec-WebSocket-Key',
  'Transfer-Encoding',
  ':authority',
  '',
  'x y',
  'a\r\nb',
  '\u00e9',
  '__proto__',
]
const WORDS = ['v', SECRET, ' ', '\t', '\r\n', '\n', '\0', 'é', '\u0100', 'example.com', ':80', '[::1]', '@', '/']
const URL_TO = new URL('wss://example.com/')

export const headers: Target<Case> = {
  name: 'headers',
  generate: (draw) => ({ headers: makeHeaders(draw), cookie: draw.oneIn(4) ? makeSyntax(draw, WORDS, 2) : '' }),
  check: ({ headers: given, cookie }) => {
    const checked = attemptOption(() => checkHeaders(given as HeadersInit), 'headers')?.value
    if (checked === undefined) return
    for (const [name, value] of checked) {
      if (!/^([\x21-\x7e\x80-\xff]([\t\x20-\x7e\x80-\xff]*[\x21-\x7e\x80-\xff])?)?$/.test(value))
        broken(`${name} has the value ${JSON.stringify(value)}`)
    }
    const request = attemptOption(
      () => buildRequest(URL_TO, { headers: checked, subprotocols: ['a'], cookie }),
      'cookies',
    )?.value
    if (request !== undefined) judgeRequest(serializeRequest(request), request)
  },
}

function makeHeaders(draw: Draw): unknown {
  const pairs = draw.list(3, 8, () => makePair(draw))
  const kind = draw.below(8)
  if (kind < 4) return pairs
  if (kind === 4) return new Map(pairs as [unknown, unknown][])
  if (kind === 5)
    return draw.pick([null, 5, 'a: b', true, [5], [['a']], [['a', 'b', 'c']], [null], {}, { a: null }, { a: [1] }])
  const record = Object.fromEntries(pairs as [string, unknown][])
  return kind === 6 ? record : Object.fromEntries(Object.entries(record).map(([name, value]) => [name, [value, value]]))
}

function makePair(draw: Draw): readonly [unknown, unknown] {
  const name = draw.oneIn(24) ? draw.pick([5, null, {}]) : draw.oneIn(6) ? makeSyntax(draw, NAMES, 2) : draw.pick(NAMES)
  const value = draw.oneIn(24) ? draw.pick([5, null, undefined, {}, [], ['a'], [5]]) : makeSyntax(draw, WORDS, 2)
  return [name, draw.oneIn(2) && typeof value === 'string' ? SECRET : value]
}
