import { holds, same } from '../../contract/check.ts'
import { frame } from '../../support/scripted-peer.ts'
import type { Cases } from '../implementation.ts'
import type { SocketClass } from '../suite.ts'
import { aWhile, failsToOpen, next, opened, received, recorded } from '../watching.ts'

function answer(status: string, ...fields: readonly string[]): string {
  return `HTTP/1.1 ${status}\r\n${[...fields, 'content-length: 0', 'connection: close'].join('\r\n')}\r\n\r\n`
}

/** "Opening handshake", and "when the WebSocket connection is established". */
export const opening: Cases<SocketClass> = {
  'open comes once, in the state OPEN, after the constructor has returned': async ({ type, echo }) => {
    const socket = new type(echo)
    const { events } = recorded(socket)
    same(events, [])
    await opened(socket)
    await aWhile()
    same(events, [['open', 1]])
  },

  'open is an Event that neither bubbles nor can be cancelled': async ({ type, echo }) => {
    const socket = new type(echo)
    const event = await next(socket, 'open')
    holds(event instanceof Event && event.constructor === Event, 'it is an Event')
    same([event.type, event.bubbles, event.cancelable, event.composed], ['open', false, false, false])
    holds(event.target === socket, 'it happened to the socket')
  },

  'what was agreed is known when open comes': async ({ type, serve }) => {
    const url = serve((peer) => peer.accept(['Sec-WebSocket-Protocol: b']))
    const socket = new type(url, ['a', 'b'])
    const seen: unknown[] = []
    socket.onopen = () => seen.push(socket.protocol, socket.extensions, socket.readyState)
    await opened(socket)
    same(seen, ['b', '', 1])
  },

  'the request asks for every subprotocol, in order': async ({ type, serve }) => {
    const offered = Promise.withResolvers<unknown>()
    const url = serve(async (peer, { headers }) => {
      offered.resolve(headers.get('sec-websocket-protocol')?.split(/, */))
      await peer.accept(['Sec-WebSocket-Protocol: c'])
    })
    same((await opened(new type(url, ['a', 'b', 'c']))).protocol, 'c')
    same(await offered.promise, ['a', 'b', 'c'])
  },

  'the request is the one of RFC 6455 §4.1': async ({ type, serve }) => {
    const seen = Promise.withResolvers<unknown>()
    const url = serve(async (peer, { head, headers }) => {
      const [version, key] = ['version', 'key'].map((name) => headers.get(`sec-websocket-${name}`))
      const upgrade = [headers.get('upgrade'), headers.get('connection')?.toLowerCase()]
      seen.resolve([head.slice(0, 4), version, upgrade, Buffer.from(key ?? '', 'base64').length])
      await peer.accept()
    })
    await opened(new type(`${url}?a=b`))
    same(await seen.promise, ['GET ', '13', ['websocket', 'upgrade'], 16])
  },

  'a server that chooses none of the subprotocols is refused': async ({ type, serve }) => {
    await failsToOpen(
      new type(
        serve((peer) => peer.accept()),
        ['a'],
      ),
    )
  },

  'a server that chooses another subprotocol is refused': async ({ type, serve }) => {
    await failsToOpen(
      new type(
        serve((peer) => peer.accept(['Sec-WebSocket-Protocol: b'])),
        ['a'],
      ),
    )
  },

  'a server that chooses a subprotocol where none was offered is refused': async ({ type, serve }) => {
    await failsToOpen(new type(serve((peer) => peer.accept(['Sec-WebSocket-Protocol: a']))))
  },

  'a server that chooses an extension that was not offered is refused': async ({ type, serve }) => {
    await failsToOpen(new type(serve((peer) => peer.accept(['Sec-WebSocket-Extensions: x-unknown']))))
  },

  'an ordinary answer is a failure': async ({ type, serve, isHttp1 }) => {
    // Over HTTP/2, 200 is what accepts (RFC 8441 §5).
    for (const status of [
      isHttp1 ? '200 OK' : '204 No Content',
      '401 Unauthorized',
      '404 Not Found',
      '503 Service Unavailable',
    ]) {
      await failsToOpen(new type(serve((peer) => peer.write(answer(status)))))
    }
  },

  'redirects are not followed': async ({ type, echo, serve }) => {
    const location = `location: ${echo.replace('ws', 'http')}`
    await failsToOpen(new type(serve((peer) => peer.write(answer('302 Found', location)))))
  },

  'a connection that ends before the answer is a failure': async ({ type, serve }) => {
    await failsToOpen(new type(serve(async (peer) => peer.end())))
  },

  'a server that cannot be reached is a failure': async ({ type }) => {
    await failsToOpen(new type('ws://127.0.0.1:9'))
  },

  'a wrong Sec-WebSocket-Accept is a failure': async ({ type, serve, isHttp1 }) => {
    // Over HTTP/2 there is none (RFC 8441 §5).
    if (!isHttp1) return
    const url = serve((peer) => peer.write(peer.acceptance().replace(/Accept: ..../, 'Accept: AAAA')))
    await failsToOpen(new type(url))
  },

  'a 101 that switches to something else is a failure': async ({ type, serve, isHttp1 }) => {
    // Over HTTP/2 nothing is switched.
    if (!isHttp1) return
    await failsToOpen(new type(serve((peer) => peer.write(peer.acceptance().replace('websocket', 'other')))))
  },

  'a 101 that does not say so in its Connection field is a failure': async ({ type, serve, isHttp1 }) => {
    // Over HTTP/2 nothing is switched.
    if (!isHttp1) return
    await failsToOpen(new type(serve((peer) => peer.write(peer.acceptance().replace(': Upgrade', ': close')))))
  },

  'messages that came with the answer are for those who have waited for open': async ({ type, serve }) => {
    const url = serve(async (peer) => {
      const first = Buffer.concat([Buffer.from(peer.acceptance()), frame(1, 'one'), frame(1, 'two')])
      await peer.write(first)
    })
    const socket = new type(url)
    await new Promise((resolve) => {
      socket.onopen = resolve
    })
    // Whatever promises do comes before the next task.
    for (let i = 0; i < 50; i++) await undefined
    same(await received(socket, 2), ['one', 'two'])
  },
}
