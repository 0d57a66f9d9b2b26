import { type ClientWebSocket, ConnectionClosedError, InvalidStateError, OptionsError } from 'hawser'
import { failure, holds, same } from './check.ts'
import type { Cases, SeenFrame } from './suite.ts'

/** The Close frames among those that were seen, as code and reason. */
function closes(frames: readonly SeenFrame[]): [code: number | undefined, reason: string][] {
  return frames
    .filter(({ opcode }) => opcode === 8)
    .map(({ payload }) => {
      const bytes = Uint8Array.from(payload.match(/../g) ?? [], (byte) => Number.parseInt(byte, 16))
      const code = bytes.length === 0 ? undefined : new DataView(bytes.buffer).getUint16(0)
      return [code, new TextDecoder().decode(bytes.subarray(2))]
    })
}

/** Fails unless both Close frames were exchanged, and the server's said this. */
function closedWith(socket: ClientWebSocket, code: number, reason = ''): void {
  same(socket.state, 'closed')
  same(socket.closeStatus, code)
  same(socket.closeStatusDescription, reason)
}

/** The closing handshake, from either side. */
export const closing: Cases = {
  'closing from our side': async ({ openPeer }) => {
    const { socket, seen } = await openPeer('/await-close?code=4001&reason=bye')
    await socket.send('before')
    await socket.close(4001, 'bye')
    closedWith(socket, 4001, 'bye')
    const frames = await seen()
    same(frames[0]?.payload, '6265666f7265')
    same(closes(frames), [[4001, 'bye']])
  },

  'closing is 1000 without a reason unless something else is said': async ({ openPeer }) => {
    const { socket, seen } = await openPeer('/await-close')
    await socket.close()
    closedWith(socket, 1005)
    same(closes(await seen()), [[1000, '']])
  },

  "the server's closing is answered with its code": async ({ openPeer }) => {
    const { socket, seen } = await openPeer('/close?code=4002&reason=away')
    same(await socket.receive(), undefined)
    await socket.close()
    closedWith(socket, 4002, 'away')
    same(closes(await seen()), [[4002, '']])
  },

  'a Close frame without a code is 1005, and answered without one': async ({ openPeer }) => {
    const { socket, seen } = await openPeer('/close')
    same(await socket.receive(), undefined)
    await socket.close()
    closedWith(socket, 1005)
    same(closes(await seen()), [[undefined, '']])
  },

  'both sides may close at once': async ({ openPeer }) => {
    const { socket, seen } = await openPeer('/await-close?code=4003&reason=crossing')
    await socket.close(4004, 'crossed')
    closedWith(socket, 4003, 'crossing')
    same(closes(await seen()), [[4004, 'crossed']])
  },

  'after closeOutput the rest can be received, but nothing sent': async ({ openPeer }) => {
    const { socket, seen } = await openPeer('/await-close?count=2&code=1000')
    await socket.closeOutput(4005, 'enough said')
    same(socket.state, 'close-sent')
    await failure(socket.send('more'), InvalidStateError, { state: 'close-sent' })
    await failure(socket.ping(), InvalidStateError, { state: 'close-sent' })
    await failure(socket.closeOutput(), InvalidStateError, { state: 'close-sent' })
    same(await socket.receive(), 'message 0')
    same(await socket.receive(), 'message 1')
    same(await socket.receive(), undefined)
    await socket.close()
    closedWith(socket, 1000)
    same(closes(await seen()), [[4005, 'enough said']])
  },

  "with allowHalfOpen we may go on after the server's Close frame": async ({ openPeer }) => {
    const { socket, seen } = await openPeer('/close?code=4006&reason=your+turn', { allowHalfOpen: true })
    same(await socket.receive(), undefined)
    same(socket.state, 'close-received')
    same(socket.closeStatus, 4006)
    await socket.send('last words')
    // No Pong would come any more, though the socket is not over.
    await failure(socket.ping(), InvalidStateError, { state: 'close-received' })
    await socket.close(4007)
    closedWith(socket, 4006, 'your turn')
    const frames = await seen()
    same(frames[0]?.payload, '6c61737420776f726473')
    same(closes(frames), [[4007, '']])
  },

  'closeOutput answers the server as well': async ({ openPeer }) => {
    const { socket, seen } = await openPeer('/close?code=1001', { allowHalfOpen: true })
    same(await socket.receive(), undefined)
    await socket.closeOutput(4008)
    same(socket.state, 'closed')
    same(closes(await seen()), [[4008, '']])
    await socket.close()
    closedWith(socket, 1001)
  },

  "without it, nothing can be sent after the server's Close frame": async ({ openPeer }) => {
    const { socket } = await openPeer('/close?code=4009&reason=over')
    same(await socket.receive(), undefined)
    const details = { closeStatus: 4009, reason: 'over', wasClean: true }
    await failure(socket.send('late'), ConnectionClosedError, details)
    await failure(socket.ping(), ConnectionClosedError, details)
    await failure(socket.closeOutput(), ConnectionClosedError, details)
  },

  'messages that came before the Close frame can be read after it': async ({ openPeer }) => {
    const { socket } = await openPeer('/close?count=2&code=1000')
    await socket.close()
    same(await socket.receive(), 'message 0')
    same(await socket.receive(), 'message 1')
    same(await socket.receive(), undefined)
  },

  'closing does not wait for messages that nobody reads': async ({ open }) => {
    const socket = await open('/messages?count=100&size=65536')
    await socket.receive()
    await socket.close()
    closedWith(socket, 1000)
  },

  'closing again is closing once': async ({ openPeer }) => {
    const { socket, seen } = await openPeer('/await-close?code=1000')
    await Promise.all([socket.close(4010), socket.close(4011)])
    await socket.close(4012)
    same(closes(await seen()), [[4010, '']])
  },

  'close and closeOutput refuse codes and reasons that a client may not send': async ({ open }) => {
    const socket = await open('/echo')
    for (const code of [0, 999, 1004, 1005, 1006, 1015, 1016, 2999, 5000, 1000.5, Number.NaN, -1, '1000' as never]) {
      await failure(socket.close(code), OptionsError, { option: 'code' })
      await failure(socket.closeOutput(code), OptionsError, { option: 'code' })
    }
    for (const reason of ['x'.repeat(124), `${'€'.repeat(41)}x`, 5 as never]) {
      await failure(socket.close(1000, reason), OptionsError, { option: 'reason' })
    }
    same(socket.state, 'open')
  },

  'close takes every code and reason that a client may send': async ({ openPeer }) => {
    for (const code of [1000, 1003, 1007, 1014, 3000, 4999]) {
      const reason = code === 1000 ? 'x'.repeat(123) : '€'.repeat(41)
      const { socket, seen } = await openPeer('/await-close?code=1000')
      await socket.close(code, reason)
      same(closes(await seen()), [[code, reason]])
    }
  },

  'a server that leaves it to the client to end the connection': async ({ openPeer }) => {
    const { socket, seen } = await openPeer('/await-close?code=1000&end=last')
    await socket.close()
    closedWith(socket, 1000)
    await seen()
  },

  'a server that does not answer the Close frame is cut off after closeTimeout': async ({ openPeer }) => {
    const { socket } = await openPeer('/mute', { closeTimeout: 40 })
    const failed = failure(socket.receive(), ConnectionClosedError, { closeStatus: 1006, wasClean: false })
    await socket.close()
    same(socket.state, 'aborted')
    same(socket.closeStatus, 1006)
    const error = await failed
    same((error.cause as { code?: string }).code, 'CLOSE_TIMEOUT')
  },

  'await using closes': async ({ open, create }) => {
    let left: ClientWebSocket
    {
      await using socket = await open('/echo')
      await socket.send('x')
      left = socket
    }
    closedWith(left, 1000)
    {
      await using unused = create()
      left = unused
    }
    holds(left.state === 'aborted', 'a socket that never connected is of no more use')
  },
}
