import { same } from '../../contract/check.ts'
import type { Cases } from '../implementation.ts'
import type { SocketClass } from '../suite.ts'
import { closed, opened, throwsDom, throwsTypeError } from '../watching.ts'

/** Nothing listens there. */
const NOWHERE = 'ws://127.0.0.1:9'

/** A socket that ends at once, since only its attributes are of interest. */
function create(type: SocketClass, ...parameters: unknown[]) {
  const socket = new type(...parameters)
  socket.onerror = () => {}
  socket.close()
  return socket
}

/** "The WebSocket(url, protocols) constructor", and "get a URL record". */
export const constructing: Cases<SocketClass> = {
  'a URL that cannot be parsed is a SyntaxError': async ({ type }) => {
    for (const url of ['ws://', 'ws://a b', 'nothing', '/relative', '', 'ws://host:port', undefined, null, 5]) {
      throwsDom('SyntaxError', () => new type(url))
    }
  },

  'a scheme other than ws, wss, http and https is a SyntaxError': async ({ type }) => {
    for (const url of ['ftp://host', 'about:blank', 'mailto:a@b', 'data:,x', 'file:///x', 'wsss://host']) {
      throwsDom('SyntaxError', () => new type(url))
    }
  },

  'http and https become ws and wss': async ({ type }) => {
    same(create(type, 'http://127.0.0.1:9/a?b').url, 'ws://127.0.0.1:9/a?b')
    same(create(type, 'https://127.0.0.1:9/').url, 'wss://127.0.0.1:9/')
    same(create(type, 'HTTP://127.0.0.1:9/').url, 'ws://127.0.0.1:9/')
  },

  'a fragment is a SyntaxError': async ({ type }) => {
    throwsDom('SyntaxError', () => new type(`${NOWHERE}/#fragment`))
    throwsDom('SyntaxError', () => new type('http://127.0.0.1:9/#fragment'))
  },

  'an empty fragment is one too': async ({ type }) => {
    throwsDom('SyntaxError', () => new type(`${NOWHERE}/#`))
  },

  'the URL is serialized as the URL Standard says': async ({ type }) => {
    same(create(type, NOWHERE).url, `${NOWHERE}/`)
    same(create(type, 'ws://127.0.0.1:80/a/../b c?q=ä').url, 'ws://127.0.0.1/b%20c?q=%C3%A4')
    same(create(type, ' WS://LOCALHOST:9/\t').url, 'ws://localhost:9/')
    same(create(type, `${NOWHERE}/%23`).url, `${NOWHERE}/%23`)
  },

  'the URL is converted to a string': async ({ type }) => {
    same(create(type, new URL(`${NOWHERE}/x`)).url, `${NOWHERE}/x`)
    same(create(type, { toString: () => `${NOWHERE}/y` }).url, `${NOWHERE}/y`)
    same(create(type, `${NOWHERE}/\ud800`).url, `${NOWHERE}/%EF%BF%BD`)
  },

  'a URL is needed': async ({ type }) => {
    throwsTypeError(() => new type())
  },

  'new is needed': async ({ type }) => {
    throwsTypeError(() => (type as unknown as (url: string) => unknown)(NOWHERE))
  },

  'subprotocols that are not tokens are a SyntaxError': async ({ type }) => {
    for (const bad of ['', 'a b', 'a,b', 'ä', 'a/b', 'a\n', '\u0000', '\u007f', '"a"', '{a}', 'a=b', 'a:b']) {
      throwsDom('SyntaxError', () => new type(NOWHERE, bad))
      throwsDom('SyntaxError', () => new type(NOWHERE, ['good', bad]))
    }
  },

  'a subprotocol that stands there twice is a SyntaxError': async ({ type }) => {
    throwsDom('SyntaxError', () => new type(NOWHERE, ['a', 'b', 'a']))
  },

  'the URL is judged before the subprotocols': async ({ type }) => {
    const order: string[] = []
    const url = { toString: () => order.push('url') && 'nothing' }
    const protocols = { [Symbol.iterator]: () => ['a'][Symbol.iterator]() }
    throwsDom('SyntaxError', () => new type(url, protocols))
    same(order, ['url'])
  },

  'no subprotocols is an empty list of them': async ({ type, echo }) => {
    for (const none of [[], undefined, new Set()]) {
      const socket = await opened(none === undefined ? new type(echo) : new type(echo, none))
      same(socket.protocol, '')
      await closed(socket)
    }
  },

  'one subprotocol is a list of one': async ({ type, serve }) => {
    const offered = Promise.withResolvers<string | undefined>()
    const url = serve(async (peer, { headers }) => {
      offered.resolve(headers.get('sec-websocket-protocol'))
      await peer.accept(['Sec-WebSocket-Protocol: chat.v1'])
    })
    const socket = await opened(new type(url, 'chat.v1'))
    same(await offered.promise, 'chat.v1')
    same(socket.protocol, 'chat.v1')
  },

  'subprotocols may come from any iterable, and are converted to strings': async ({ type, serve }) => {
    const offered: (string | undefined)[] = []
    const url = serve(async (peer, { headers }) => {
      offered.push(headers.get('sec-websocket-protocol')?.replaceAll(' ', ''))
      await peer.accept(['Sec-WebSocket-Protocol: b'])
    })
    await opened(new type(url, new Set(['a', 'b'])))
    await opened(new type(url, [1, { toString: () => 'b' }]))
    same(offered, ['a,b', '1,b'])
  },

  'it begins in CONNECTING, with nothing agreed': async ({ type, echo }) => {
    const socket = new type(echo)
    same(socket.readyState, 0)
    same([socket.protocol, socket.extensions, socket.bufferedAmount, socket.binaryType], ['', '', 0, 'blob'])
    same([socket.onopen, socket.onmessage, socket.onerror, socket.onclose], [null, null, null, null])
    await opened(socket)
  },

  'options may hold the subprotocols and headers': async ({ type, serve }) => {
    const seen = Promise.withResolvers<unknown>()
    const url = serve(async (peer, { headers }) => {
      seen.resolve([headers.get('sec-websocket-protocol'), headers.get('x-mine')])
      await peer.accept(['Sec-WebSocket-Protocol: a'])
    })
    await opened(new type(url, { protocols: ['a'], headers: { 'x-mine': 'yes' } }))
    same(await seen.promise, ['a', 'yes'])
  },
}
