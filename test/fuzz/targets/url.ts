/** Any URL, and any redirect from it: what is connected to is a WebSocket, the request is one, and no error shows a password. */
import { buildRequest } from '../../../src/handshake/request.ts'
import { serializeRequest } from '../../../src/handshake/serialize-request.ts'
import { httpUrl, parseTarget, printable } from '../../../src/handshake/target-url.ts'
import { HttpHeaders } from '../../../src/http-headers.ts'
import { judgeRedirect } from '../judge/answer.ts'
import { attemptOption, SECRET } from '../judge/attempt.ts'
import { judgeRequest } from '../judge/request.ts'
import { makeSyntax, mutateText } from '../make/fields.ts'
import { broken, same, type Target } from '../target.ts'

interface Case {
  readonly url: string
  readonly location: string
}

const URLS = [
  'wss://example.com/path?query',
  'ws://[::1]:8080/',
  `https://user:${SECRET}@example.com`,
  'http://a.b:80//x',
  'wss://xn--nxasmq6b.example',
  `WS://u%3A:${SECRET}@1.2.3.4`,
  'wss://example.com:443/%0d%0a',
  'ws://0x7f.1/',
  'wss://é.example/ü?ß',
]
const WORDS = [
  'ws',
  'wss',
  'http',
  ':',
  '//',
  '/',
  '..',
  '@',
  '?',
  '#',
  'example.com',
  '[::1]',
  ':80',
  '%0d%0a',
  '%',
  SECRET,
  'é',
  '\\',
  ' ',
]

export const url: Target<Case> = {
  name: 'url',
  generate: (draw) => {
    const base = draw.pick(URLS)
    const from = draw.oneIn(3) ? base : draw.oneIn(3) ? makeSyntax(draw, WORDS, 8) : mutateText(draw, base, 2)
    const location = draw.oneIn(2) ? makeSyntax(draw, WORDS, 6) : mutateText(draw, draw.pick(URLS))
    return { url: from, location }
  },
  check: ({ url: text, location }) => {
    const target = attemptOption(() => parseTarget(text), 'url')?.value
    if (target === undefined) return
    same(/^wss?:$/.test(target.protocol), true, `whether ${target.protocol} is a scheme of WebSockets`)
    if (target.href.includes('#')) broken(`There is a fragment: ${target}`)
    for (const shown of [printable(target), httpUrl(target)]) {
      if (shown.includes('@') && !target.pathname.includes('@') && !target.search.includes('@'))
        broken(`Userinfo is shown: ${shown}`)
    }
    judgeRequestTo(target)
    const isHeader = /^[\t\x20-\x7e\x80-\xff]*$/.test(location)
    if (!isHeader) return
    const head = {
      status: 302,
      statusText: '',
      headers: new HttpHeaders([['Location', location]]),
      httpVersion: '1.1',
    } as const
    const next = judgeRedirect(target, head)
    if (next !== undefined) judgeRequestTo(next)
  },
}

function judgeRequestTo(target: URL): void {
  const request = attemptOption(() => buildRequest(target, { headers: [], subprotocols: [] }), 'url')?.value
  if (request !== undefined) judgeRequest(serializeRequest(request), request)
}
