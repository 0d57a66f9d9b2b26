import { type ClientWebSocketOptions, HandshakeError, InvalidStateError, OptionsError } from 'hawser'
import { failure, holds, same } from './check.ts'
import type { Cases, Context } from './suite.ts'

const SET_COOKIE = ['a=1', 'b=2']
/** The status of a success (RFC 6455 §4.1, RFC 8441 §5). */
const SUCCESS = { '1.1': 101, '2': 200 } as const

/** Options are refused by the constructor. */
async function refusedBy(create: Context['create'], options: ClientWebSocketOptions): Promise<void> {
  create(options)
}

/** Before and while a socket opens, and what is known of it then. */
export const opening: Cases = {
  'a socket is none, connecting, open and closed in turn': async ({ create, harness }) => {
    const socket = create()
    same(socket.state, 'none')
    const connected = socket.connect(`${harness.server}/echo`)
    same(socket.state, 'connecting')
    await connected
    same(socket.state, 'open')
    const closed = socket.close()
    same(socket.state, 'close-sent')
    await closed
    same(socket.state, 'closed')
  },

  'before it is open, nothing can be done with it': async ({ create }) => {
    const socket = create()
    const calls = [socket.send(''), socket.receive(), socket.ping(), socket.close(), socket.closeOutput()]
    for (const call of calls) await failure(call, InvalidStateError, { state: 'none' })
    same(socket.bufferedAmount, 0)
    same(socket.closeStatus, undefined)
    same(socket.url, '')
    same(socket.transport, undefined)
    same(socket.httpVersion, undefined)
    same(socket.httpStatusCode, 0)
    same(socket.httpResponseHeaders, null)
  },

  'a socket connects only once': async ({ open, harness }) => {
    const socket = await open('/echo')
    await failure(socket.connect(`${harness.server}/echo`), InvalidStateError, { state: 'open' })
    await socket.close()
    await failure(socket.connect(`${harness.server}/echo`), InvalidStateError, { state: 'closed' })
  },

  'a URL that is no URL leaves the socket as it was': async ({ create, harness }) => {
    const socket = create()
    await failure(socket.connect('ftp://localhost/'), OptionsError, { option: 'url' })
    same(socket.state, 'none')
    await socket.connect(`${harness.server}/echo`)
  },

  'the details of a success': async ({ open, harness }) => {
    const socket = await open('/headers?a=b')
    same(socket.httpStatusCode, SUCCESS[harness.httpVersion])
    same(socket.httpStatusText, harness.can.statusText ? 'Switching Protocols' : '')
    same(socket.httpVersion, harness.httpVersion)
    same(socket.transport, harness.transport)
    same(socket.url, `${harness.server}/headers?a=b`)
    same(socket.extensions, '')
    same(socket.subprotocol, '')
    same(socket.httpResponseHeaders?.get('X-Hello'), 'world')
    same(socket.httpResponseHeaders?.getSetCookie(), SET_COOKIE)
  },

  'the headers can be freed': async ({ open, harness }) => {
    const socket = await open('/headers')
    socket.httpResponseHeaders = null
    same(socket.httpResponseHeaders, null)
    same(socket.httpStatusCode, SUCCESS[harness.httpVersion])
  },

  'the details outlive the connection': async ({ open, harness }) => {
    const socket = await open('/headers')
    await socket.close()
    same(socket.httpStatusCode, SUCCESS[harness.httpVersion])
    same(socket.httpResponseHeaders?.get('x-hello'), 'world')
  },

  'the details of a refusal, on the error and on the socket': async ({ create, harness }) => {
    const socket = create()
    // RFC 9113 §8.3.2: HTTP/2 has no reason phrase.
    const statusText = harness.httpVersion === '2' ? '' : 'Unauthorized'
    const error = await failure(socket.connect(`${harness.server}/refuse?status=401`), HandshakeError, {
      code: 'UPGRADE_REFUSED',
      retriable: false,
      retryAfter: undefined,
    })
    same(error.response?.status, 401)
    same(error.response?.statusText, statusText)
    same(error.response?.httpVersion, harness.httpVersion)
    same(error.response?.headers.getSetCookie(), SET_COOKIE)
    same(new TextDecoder().decode(error.response?.body), 'refused')
    same(error.response?.bodyTruncated, false)
    same(socket.state, 'closed')
    same(socket.httpStatusCode, 401)
    same(socket.httpStatusText, statusText)
    same(socket.httpVersion, harness.httpVersion)
    same(socket.httpResponseHeaders?.getSetCookie(), SET_COOKIE)
    await failure(socket.send(''), InvalidStateError, { state: 'closed' })
  },

  'no details are kept when none are wanted': async ({ create, open, harness }) => {
    const refused = create({ collectHttpResponseDetails: false })
    const error = await failure(refused.connect(`${harness.server}/refuse?status=503&retry-after=7`), HandshakeError, {
      code: 'UPGRADE_REFUSED',
      response: undefined,
      retriable: true,
      retryAfter: 7000,
    })
    same(error.attempts.at(-1)?.status, 503)
    same(refused.httpStatusCode, 0)
    same(refused.httpResponseHeaders, null)
    const opened = await open('/headers', { collectHttpResponseDetails: false })
    same(opened.httpStatusCode, 0)
    same(opened.httpStatusText, '')
    same(opened.httpResponseHeaders, null)
    same(opened.httpVersion, harness.httpVersion)
  },

  'the server chooses a subprotocol, or none': async ({ open }) => {
    const subprotocols = ['first', 'Second']
    same((await open('/subprotocols', { subprotocols })).subprotocol, 'first')
    same((await open('/subprotocols?choose=Second', { subprotocols })).subprotocol, 'Second')
    same((await open('/echo', { subprotocols })).subprotocol, '')
  },

  "the caller's fields arrive, Host among them": async ({ open, create, harness }) => {
    const isTls = harness.server.startsWith('wss:')
    const mayChoose = harness.can.host === 'ws and wss' || (harness.can.host === 'ws' && !isTls)
    const host = mayChoose ? 'elsewhere.example' : new URL(harness.server).host
    const headers: [string, string][] = [
      ['X-Mine', 'one'],
      ['X-Mine', 'two'],
    ]
    if (harness.can.host !== 'nowhere') headers.push(['Host', host])
    else await failure(refusedBy(create, { headers: { host } }), OptionsError, { option: 'headers' })
    const received: string[] = JSON.parse(String(await (await open('/headers', { headers })).receive()))
    const values = (name: string) => received.filter((_, index) => received[index - 1]?.toLowerCase() === name)
    same(values('x-mine').join(', '), 'one, two')
    same(values('host'), [host])
  },

  "connecting ends by the caller's signal, with its own reason": async ({ open, create, harness }) => {
    const reason = { mine: true }
    const early = await open('/echo', { signal: AbortSignal.abort(reason) }).catch((error: unknown) => error)
    holds(early === reason, 'a signal that is aborted already throws its reason')
    const controller = new AbortController()
    const socket = create()
    const connected = socket.connect(`${harness.server}/silent`, { signal: controller.signal })
    setTimeout(() => controller.abort(reason), 20)
    holds((await connected.catch((error: unknown) => error)) === reason, 'a signal ends the handshake with its reason')
    same(socket.state, 'closed')
  },

  'a silent server is given up after handshakeTimeout': async ({ open, create }) => {
    await failure(open('/silent', { handshakeTimeout: 30 }), HandshakeError, {
      code: 'HANDSHAKE_TIMEOUT',
      retriable: true,
      response: undefined,
    })
    same(create().state, 'none')
  },
}
