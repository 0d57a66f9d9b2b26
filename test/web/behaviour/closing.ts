import { same } from '../../contract/check.ts'
import { closePayload, frame, type PeerConnection } from '../../support/scripted-peer.ts'
import type { Cases } from '../implementation.ts'
import { type Context, type Socket, type SocketClass, untilClose } from '../suite.ts'
import { aWhile, closed, failsToOpen, next, opened, recorded, throwsDom } from '../watching.ts'

interface Watched {
  readonly socket: Socket
  /** The payload of the client's Close frame, in hexadecimal. */
  readonly close: Promise<string>
}

/** Opens a socket to a peer that answers the client's Close frame with the same. */
async function answered({ type, serve }: Context<SocketClass>): Promise<Watched> {
  const close = Promise.withResolvers<string>()
  const url = serve(async (peer) => {
    await peer.accept()
    const { payload } = (await untilClose(peer)).at(-1)!
    close.resolve(payload.toString('hex'))
    await peer.write(frame(8, payload))
    peer.end()
  })
  return { socket: await opened(new type(url)), close: close.promise }
}

/** Opens a socket to a peer that does something once it has been told to, and then reads. */
async function surprised(
  { type, serve }: Context<SocketClass>,
  act: (peer: PeerConnection) => Promise<unknown> | unknown,
): Promise<Watched> {
  const close = Promise.withResolvers<string>()
  const url = serve(async (peer) => {
    await peer.accept()
    await peer.readFrame()
    await act(peer)
    close.resolve((await untilClose(peer)).at(-1)!.payload.toString('hex'))
    peer.end()
  })
  const socket = await opened(new type(url))
  socket.send('now')
  return { socket, close: close.promise }
}

function payload(code: number, reason = ''): string {
  return closePayload(code, reason).toString('hex')
}

async function endOf(closing: Promise<Event>): Promise<unknown> {
  const { code, reason, wasClean } = (await closing) as CloseEvent
  return { code, reason, wasClean }
}

const INVALID_CODES = [0, 1, 999, 1001, 1002, 1005, 1006, 1015, 2999, 5000, 65_535, 65_536, -1, Number.NaN, null, '']

/** Without a Close frame of the server. */
const LOST = { code: 1006, reason: '', wasClean: false }
const FAILED = [
  ['error', 3],
  ['close', 3],
]

/** "close(code, reason)", "when the closing handshake is started", and "when the WebSocket connection is closed". */
export const closing: Cases<SocketClass> = {
  'codes but 1000 and 3000 to 4999 are an InvalidAccessError': async ({ type, echo }) => {
    const socket = await opened(new type(echo))
    for (const code of INVALID_CODES) throwsDom('InvalidAccessError', () => socket.close(code))
    same(socket.readyState, 1)
  },

  'a code is converted to the nearest integer': async (context) => {
    for (const [given, sent] of [
      ['1000', 1000],
      [3000.4, 3000],
      [2999.9, 3000],
      [3000.5, 3000],
      [3001.5, 3002],
    ] as const) {
      const { socket, close } = await answered(context)
      socket.close(given)
      same(await close, payload(sent))
    }
  },

  'a reason of more than 123 bytes is a SyntaxError': async ({ type, echo }) => {
    const socket = await opened(new type(echo))
    throwsDom('SyntaxError', () => socket.close(1000, 'x'.repeat(124)))
    throwsDom('SyntaxError', () => socket.close(1000, `${'€'.repeat(41)}x`))
    throwsDom('SyntaxError', () => socket.close(undefined, 'x'.repeat(124)))
    same(socket.readyState, 1)
  },

  'the code is judged before the reason': async ({ type, echo }) => {
    const socket = await opened(new type(echo))
    throwsDom('InvalidAccessError', () => socket.close(1, 'x'.repeat(124)))
  },

  'the arguments are judged in every state': async ({ type, echo }) => {
    const connecting = new type(echo)
    throwsDom('InvalidAccessError', () => connecting.close(1001))
    same(connecting.readyState, 0)
    const socket = await opened(connecting)
    const end = closed(socket)
    throwsDom('InvalidAccessError', () => socket.close(1001))
    await end
    throwsDom('SyntaxError', () => socket.close(1000, 'x'.repeat(124)))
  },

  'closing says code and reason to the server, and close what it answers': async (context) => {
    for (const [code, reason] of [
      [1000, ''],
      [3000, 'bye'],
      [4999, '€'.repeat(41)],
    ] as const) {
      const { socket, close } = await answered(context)
      const end = endOf(next(socket, 'close'))
      socket.close(code, reason)
      same(await close, payload(code, reason))
      same(await end, { code, reason, wasClean: true })
    }
  },

  'closing without a code says nothing, and is 1005': async (context) => {
    const { socket, close } = await answered(context)
    const end = endOf(next(socket, 'close'))
    socket.close()
    same(await close, '')
    same(await end, { code: 1005, reason: '', wasClean: true })
  },

  'a reason without a code goes out with 1000': async (context) => {
    const { socket, close } = await answered(context)
    socket.close(undefined, 'why')
    same(await close, payload(1000, 'why'))
  },

  'the reason is converted to a string, without lone surrogates': async (context) => {
    const { socket, close } = await answered(context)
    socket.close(1000, 'a\ud800')
    same(await close, payload(1000, 'a\ufffd'))
    const other = await answered(context)
    other.socket.close(1000, null)
    same(await other.close, payload(1000, 'null'))
  },

  'closing is CLOSING at once, and CLOSED when close comes': async (context) => {
    const { socket } = await answered(context)
    const { events, closed: end } = recorded(socket)
    socket.close()
    same(socket.readyState, 2)
    await end
    same(socket.readyState, 3)
    same(events, [['close', 3]])
  },

  'only the first close counts': async (context) => {
    const { socket, close } = await answered(context)
    const { events, closed: end } = recorded(socket)
    socket.close(3001)
    socket.close(3002)
    await end
    socket.close(3003)
    await aWhile()
    same(await close, payload(3001))
    same(events, [['close', 3]])
  },

  'what was sent before is sent before the Close frame': async ({ type, serve }) => {
    const frames = Promise.withResolvers<unknown>()
    const url = serve(async (peer) => {
      await peer.accept()
      frames.resolve((await untilClose(peer)).map(({ opcode, payload: { length } }) => [opcode, length]))
    })
    const socket = await opened(new type(url))
    socket.send('a')
    socket.send(new Uint8Array(100_000))
    socket.close()
    same(await frames.promise, [
      [1, 1],
      [2, 100_000],
      [8, 0],
    ])
  },

  'closing before open fails the connection': async ({ type, echo }) => {
    const socket = new type(echo)
    const failed = failsToOpen(socket)
    socket.close(3000, 'not even begun')
    same(socket.readyState, 2)
    await failed
    await aWhile()
    same(socket.readyState, 3)
  },

  'closing before open is told in a task of its own': async ({ type, echo }) => {
    const socket = new type(echo)
    let isTold = false
    const { closed: end } = recorded(socket)
    socket.onerror = () => {
      isTold = true
    }
    socket.close()
    for (let i = 0; i < 20; i++) await undefined
    same(isTold, false)
    await end
  },

  'close is a CloseEvent that neither bubbles nor can be cancelled': async ({ type, echo }) => {
    const socket = await opened(new type(echo))
    const event = await closed(socket)
    same(Object.prototype.toString.call(event), '[object CloseEvent]')
    same([event.type, event.bubbles, event.cancelable], ['close', false, false])
    same(event instanceof Event && event.target === socket, true)
    const { CloseEvent: Global } = globalThis as unknown as { CloseEvent?: abstract new () => unknown }
    if (Global) same(event instanceof Global, true)
  },

  'the server may close': async (context) => {
    const { socket, close } = await surprised(context, (peer) => peer.write(frame(8, closePayload(4001, 'enough'))))
    const { events, closed: end } = recorded(socket)
    same(await endOf(end), { code: 4001, reason: 'enough', wasClean: true })
    same(await close, payload(4001))
    same(events, [['close', 3]])
  },

  'the server may close without a code': async (context) => {
    const { socket, close } = await surprised(context, (peer) => peer.write(frame(8)))
    same(await endOf(next(socket, 'close')), { code: 1005, reason: '', wasClean: true })
    same(await close, '')
  },

  'the server may close with any code that is allowed on the wire': async (context) => {
    for (const code of [1001, 1011, 1014, 3999]) {
      const { socket } = await surprised(context, (peer) => peer.write(frame(8, closePayload(code))))
      same(await endOf(next(socket, 'close')), { code, reason: '', wasClean: true })
    }
  },

  'the state is CLOSING between the Close frame of the server and the end': async (context) => {
    const { type, serve } = context
    const url = serve(async (peer) => {
      await peer.accept()
      await peer.write(frame(8, closePayload(1000)))
      await untilClose(peer)
      await aWhile(60)
      peer.end()
    })
    const socket = await opened(new type(url))
    await aWhile()
    same(socket.readyState, 2)
    await next(socket, 'close')
  },

  'a connection that is lost is an error and then 1006': async (context) => {
    for (const how of ['end', 'reset'] as const) {
      const { socket } = await surprised(context, (peer) => peer[how]())
      const { events, closed: end } = recorded(socket)
      same(await endOf(end), LOST)
      same(events, FAILED)
    }
  },

  'a server that breaks the protocol is failed, with a code that says why': async (context) => {
    const broken: readonly (readonly [Buffer, number])[] = [
      [frame(3, 'reserved opcode'), 1002],
      [frame(1, 'masked', { mask: true }), 1002],
      [frame(1, 'reserved bit', { rsv2: true }), 1002],
      [frame(0, 'nothing to go on with'), 1002],
      [frame(9, 'x'.repeat(126)), 1002],
      [frame(1, Buffer.from([0xff])), 1007],
    ]
    for (const [bytes, code] of broken) {
      const { socket, close } = await surprised(context, (peer) => peer.write(bytes))
      const { events, closed: end } = recorded(socket)
      same(await endOf(end), LOST)
      same(events, FAILED)
      same((await close).slice(0, 4), payload(code))
    }
  },

  'a Close frame that breaks the protocol is no clean end': async (context) => {
    for (const bytes of [closePayload(1005), closePayload(999), Buffer.of(3), Buffer.from([3, 232, 0xff])]) {
      const { socket } = await surprised(context, (peer) => peer.write(frame(8, bytes)))
      const { events, closed: end } = recorded(socket)
      same(await endOf(end), LOST)
      same(events, FAILED)
    }
  },

  'the error is an Event': async (context) => {
    const { socket } = await surprised(context, (peer) => peer.end())
    const event = await next(socket, 'error')
    same(event instanceof Event && event.target === socket, true)
    same([event.type, event.bubbles, event.cancelable], ['error', false, false])
  },

  'nothing comes after close': async (context) => {
    const { socket } = await surprised(context, (peer) =>
      peer.write(Buffer.concat([frame(8, closePayload(1000)), frame(1, 'late'), frame(3, 'broken')])),
    )
    const { events, closed: end } = recorded(socket)
    await end
    await aWhile()
    same(events, [['close', 3]])
  },
}
