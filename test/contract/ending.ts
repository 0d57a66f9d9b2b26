import { type ClientWebSocket, ConnectionClosedError, InvalidStateError } from 'hawser'
import { failure, holds, rejection, same } from './check.ts'
import type { Cases, Context, Harness } from './suite.ts'

const LOST = { code: 'CONNECTION_CLOSED', closeStatus: 1006, wasClean: false } as const
/** More than all buffers between two sockets take. */
const TOO_MUCH = 32 * 1024 * 1024

function later(milliseconds: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, milliseconds))
}

/**
 * A socket with one call of each kind that waits. The server does not read, so that not even the Close frame gets out.
 */
async function waiting({
  open,
  harness,
}: Context): Promise<{ socket: ClientWebSocket; calls: Record<string, Promise<unknown>> }> {
  const socket = await open('/stalled', { closeTimeout: 0 })
  const calls: Record<string, Promise<unknown>> = { receive: socket.receive() }
  const sent = socket.send(new Uint8Array(TOO_MUCH))
  if (harness.can.pings) calls['ping'] = socket.ping()
  const closed = socket.closeOutput()
  if (harness.can.sendWaits) Object.assign(calls, { send: sent, closeOutput: closed })
  else await Promise.all([sent, closed])
  for (const call of Object.values(calls)) call.catch(() => {})
  await later(10)
  return { socket, calls }
}

/** The connection is lost before all of this has left: told by the send, or by the next receive if no send waits. */
async function lostWhileSending(socket: ClientWebSocket, { can }: Harness): Promise<void> {
  const sent = socket.send(new Uint8Array(TOO_MUCH))
  const receiveAll = async () => {
    for await (const _ of socket);
  }
  if (!can.sendWaits) await sent
  await failure(can.sendWaits ? sent : receiveAll(), ConnectionClosedError, LOST)
}

/** The connection ends while calls wait: by the server's FIN or RST. */
function dropped(how: 'end' | 'reset'): Cases[string] {
  return async ({ openPeer, harness }) => {
    const { socket } = await openPeer(`/drop?count=1&how=${how}`)
    same(await socket.receive(), 'message 0')
    const received = socket.receive()
    const pinged = harness.can.pings ? socket.ping() : undefined
    await socket.send('this makes the server go')
    await failure(received, ConnectionClosedError, LOST)
    if (pinged !== undefined) await failure(pinged, ConnectionClosedError, LOST)
    same(socket.state, 'aborted')
    same(socket.closeStatus, 1006)
    await failure(socket.receive(), ConnectionClosedError, LOST)
    await failure(socket.send(''), ConnectionClosedError, LOST)
    await socket.close()
    same(socket.state, 'aborted')
    same(socket.bufferedAmount, 0)
  }
}

/** Ends that are not a closing handshake. */
export const ending: Cases = {
  'abort wakes everything that waits': async (context) => {
    const { socket, calls } = await waiting(context)
    const closed = socket.close()
    const reason = new Error('enough')
    socket.abort(reason)
    for (const [name, call] of Object.entries(calls)) {
      holds((await rejection(call)) === reason, `${name} fails with the reason of the abort`)
    }
    await closed
    same(socket.state, 'aborted')
    same(socket.bufferedAmount, 0)
  },

  'abort without a reason is a ConnectionClosedError': async ({ open }) => {
    const socket = await open('/echo')
    const received = socket.receive()
    socket.abort()
    await failure(received, ConnectionClosedError, LOST)
    await failure(socket.send(''), ConnectionClosedError, LOST)
    same(socket.closeStatus, 1006)
    socket.abort(new Error('too late'))
    await failure(socket.receive(), ConnectionClosedError, LOST)
  },

  'abort ends a socket that is connecting, and one that never was': async ({ create, harness }) => {
    const socket = create()
    const reason = new Error('changed my mind')
    const connected = socket.connect(`${harness.server}/silent`)
    await later(10)
    socket.abort(reason)
    holds((await rejection(connected)) === reason, 'connect fails with the reason')
    same(socket.state, 'aborted')
    const unused = create()
    unused.abort()
    await failure(unused.connect(`${harness.server}/echo`), InvalidStateError, { state: 'aborted' })
  },

  'what had come before an abort can be read': async ({ openPeer }) => {
    const { socket } = await openPeer('/together')
    same(await socket.receive(), 'message 0')
    await later(50)
    socket.abort()
    same(((await socket.receive()) as Uint8Array).length, 9)
    same(await socket.receive(), 'message 2')
    await failure(socket.receive(), ConnectionClosedError, LOST)
  },

  'a server that ends the connection without a Close frame': dropped('end'),
  'a server that resets the connection': dropped('reset'),

  'messages that came before the end are received': async ({ openPeer }) => {
    const { socket } = await openPeer('/drop-at-once?count=3')
    for (const index of [0, 1, 2]) same(await socket.receive(), `message ${index}`)
    await failure(socket.receive(), ConnectionClosedError, LOST)
  },

  'a for await loop ends with the error of a lost connection': async ({ openPeer }) => {
    const { socket } = await openPeer('/drop-at-once?count=3')
    let count = 0
    const loop = async () => {
      for await (const _ of socket) count++
    }
    await failure(loop(), ConnectionClosedError, LOST)
    same(count, 3)
  },

  'a send that waits fails when the connection is lost': async ({ openPeer, harness }) => {
    const { socket } = await openPeer('/reset')
    await lostWhileSending(socket, harness)
  },

  'and also when there is more to be read than is read': async ({ openPeer, harness }) => {
    const { socket } = await openPeer('/reset?count=200')
    // By now nothing is read any more.
    await socket.receive()
    await later(20)
    await lostWhileSending(socket, harness)
  },

  'calls that nobody looks at raise nothing when the connection is lost': async ({ openPeer }) => {
    const { socket } = await openPeer('/reset')
    socket.send(new Uint8Array(TOO_MUCH))
    socket.send('more')
    socket.ping()
    socket.closeOutput()
    await socket.close()
    socket.send('after the end')
    await later(1)
  },
}
