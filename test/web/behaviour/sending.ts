import { runInNewContext } from 'node:vm'
import { holds, same } from '../../contract/check.ts'
import type { PeerFrame } from '../../support/scripted-peer.ts'
import type { Cases } from '../implementation.ts'
import { type Context, type Socket, type SocketClass, untilClose } from '../suite.ts'
import { aWhile, closed, next, opened, throwsDom, throwsTypeError } from '../watching.ts'

/** Opens a socket to a peer that reads until the Close frame; `sent` closes, and gives the messages that came. */
async function listened({ type, serve }: Context<SocketClass>) {
  const frames = Promise.withResolvers<PeerFrame[]>()
  const url = serve(async (peer) => {
    await peer.accept()
    frames.resolve(untilClose(peer))
    await frames.promise
    peer.end()
  })
  const socket = await opened(new type(url))
  const sent = async () => {
    socket.close()
    return joined((await frames.promise).slice(0, -1))
  }
  return { socket, sent }
}

/** Messages, however many frames they came in: their opcode, and their payload in hexadecimal. */
function joined(frames: readonly PeerFrame[]): (readonly [number, string])[] {
  const messages: [number, string][] = []
  for (const { opcode, payload, masked } of frames) {
    holds(masked, 'every frame is masked')
    if (opcode === 0) messages.at(-1)![1] += payload.toString('hex')
    else messages.push([opcode, payload.toString('hex')])
  }
  return messages
}

function text(value: string): readonly [number, string] {
  return [1, Buffer.from(value).toString('hex')]
}

/** A socket to a peer that reads nothing, with more sent than the system takes. */
async function stuck({ type, serve }: Context<SocketClass>, size: number): Promise<Socket> {
  const url = serve(async (peer) => {
    await peer.accept()
    peer.socket.pause()
  })
  const socket = await opened(new type(url))
  socket.send(new Uint8Array(size))
  return socket
}

const LARGE = 32 * 1024 * 1024

/** "send(data)", and "bufferedAmount". */
export const sending: Cases<SocketClass> = {
  'nothing can be sent before open': async ({ type, echo }) => {
    const socket = new type(echo)
    for (const data of ['x', new Uint8Array(1), new Blob(['x'])]) {
      throwsDom('InvalidStateError', () => socket.send(data))
    }
    same(socket.bufferedAmount, 0)
    await opened(socket)
  },

  'there has to be something to send': async ({ type, echo }) => {
    const socket = await opened(new type(echo))
    throwsTypeError(() => socket.send())
  },

  'a string goes out as text': async (context) => {
    const { socket, sent } = await listened(context)
    const texts = ['', 'ascii', 'aé€😀z', '\ufeffwith a mark', '\u0000']
    for (const value of texts) socket.send(value)
    same(await sent(), texts.map(text))
  },

  'a lone surrogate goes out as U+FFFD': async (context) => {
    const { socket, sent } = await listened(context)
    socket.send('a\ud800b\udc00')
    same(await sent(), [text('a\ufffdb\ufffd')])
  },

  'an ArrayBuffer and every view of one go out as binary': async (context) => {
    const { socket, sent } = await listened(context)
    const { buffer } = Uint8Array.from({ length: 24 }, (_, index) => index)
    socket.send(buffer)
    socket.send(new Uint8Array(buffer, 1, 2))
    socket.send(new DataView(buffer, 2, 3))
    for (const type of [Int8Array, Uint16Array, Int32Array, Float64Array, BigInt64Array, Uint8ClampedArray]) {
      socket.send(new type(buffer, 8, 1))
    }
    socket.send(new ArrayBuffer(0))
    const hex = Buffer.from(buffer).toString('hex')
    const part = (from: number, to: number) => [2, hex.slice(from * 2, to * 2)]
    const sizes = [1, 2, 4, 8, 8, 1].map((size) => part(8, 8 + size))
    same(await sent(), [part(0, 24), part(1, 3), part(2, 5), ...sizes, part(0, 0)])
  },

  'bufferedAmount stays 0 when all has left and close was called': async ({ type, echo }) => {
    const socket = await opened(new type(echo))
    socket.send('text')
    await next(socket, 'message')
    same(socket.bufferedAmount, 0)
    socket.close()
    same(socket.bufferedAmount, 0)
    await closed(socket)
  },

  'buffers and views of another realm go out as binary': async (context) => {
    const { socket, sent } = await listened(context)
    socket.send(runInNewContext('Uint8Array.of(1, 2).buffer'))
    socket.send(runInNewContext('Uint8Array.of(3)'))
    socket.send(runInNewContext('new DataView(Uint8Array.of(4).buffer)'))
    same(await sent(), [
      [2, '0102'],
      [2, '03'],
      [2, '04'],
    ])
  },

  'bytes may be changed after they were sent': async (context) => {
    const { socket, sent } = await listened(context)
    for (const size of [4, 200_000]) {
      const bytes = new Uint8Array(size).fill(1)
      socket.send(bytes)
      bytes.fill(2)
    }
    same(await sent(), [
      [2, '01'.repeat(4)],
      [2, '01'.repeat(200_000)],
    ])
  },

  'a Blob goes out as binary': async (context) => {
    const { socket, sent } = await listened(context)
    socket.send(new Blob(['bl', 'ob']))
    socket.send(new Blob([]))
    same(await sent(), [
      [2, Buffer.from('blob').toString('hex')],
      [2, ''],
    ])
  },

  'what is sent after a Blob comes after it': async (context) => {
    const { socket, sent } = await listened(context)
    const large = 'b'.repeat(300_000)
    socket.send('one')
    socket.send(new Blob([large]))
    socket.send('three')
    socket.send(new Blob(['four']))
    socket.send(Uint8Array.of(5))
    const hex = (value: string) => Buffer.from(value).toString('hex')
    same(await sent(), [text('one'), [2, hex(large)], text('three'), [2, hex('four')], [2, '05']])
  },

  'anything else is sent as the string that it is converted to': async (context) => {
    const { socket, sent } = await listened(context)
    for (const data of [5, null, undefined, true, { toString: () => 'object' }, ['a', 'b']]) socket.send(data)
    same(await sent(), ['5', 'null', 'undefined', 'true', 'object', 'a,b'].map(text))
  },

  'what cannot be converted to a string is a TypeError': async ({ type, echo }) => {
    const socket = await opened(new type(echo))
    throwsTypeError(() => socket.send(Symbol('x')))
    same(socket.bufferedAmount, 0)
  },

  'bufferedAmount counts the bytes of messages, text in UTF-8': async ({ type, echo }) => {
    const socket = await opened(new type(echo))
    socket.send('aé€😀')
    same(socket.bufferedAmount, 10)
    socket.send(new Uint8Array(1000))
    same(socket.bufferedAmount, 1010)
    socket.send(new ArrayBuffer(70_000))
    same(socket.bufferedAmount, 71_010)
    socket.send('')
    same(socket.bufferedAmount, 71_010)
  },

  'bufferedAmount counts Blobs': async ({ type, echo }) => {
    const socket = await opened(new type(echo))
    socket.send(new Blob(['12345']))
    same(socket.bufferedAmount, 5)
    socket.send('678')
    same(socket.bufferedAmount, 8)
  },

  'bufferedAmount comes back to 0': async ({ type, echo }) => {
    const socket = await opened(new type(echo))
    const message = next(socket, 'message')
    socket.send('x'.repeat(100_000))
    socket.send(new Blob(['y']))
    await message
    await aWhile(5)
    same(socket.bufferedAmount, 0)
  },

  'bufferedAmount tells that the server reads nothing': async (context) => {
    const socket = await stuck(context, LARGE)
    await aWhile()
    holds(socket.bufferedAmount > LARGE / 4, `most of it is still there: ${socket.bufferedAmount}`)
    holds(socket.bufferedAmount <= LARGE, 'and no more than was sent')
  },

  'sending while closing sends nothing, and counts': async (context) => {
    const { socket, sent } = await listened(context)
    socket.send('before')
    const before = socket.bufferedAmount
    const frames = sent()
    socket.send('12345')
    same(socket.bufferedAmount, before + 5)
    socket.send(new Uint8Array(10))
    socket.send(new Blob(['1234567']))
    same(socket.bufferedAmount, before + 22)
    same(await frames, [text('before')])
  },

  'sending when closed sends nothing, and counts': async ({ type, echo }) => {
    const socket = await opened(new type(echo))
    await closed(socket)
    same(socket.bufferedAmount, 0)
    socket.send('12345')
    socket.send(new ArrayBuffer(10))
    same(socket.bufferedAmount, 15)
    socket.send(new Blob(['123']))
    same(socket.bufferedAmount, 18)
  },

  'bufferedAmount is not reset when the connection is lost': async ({ type, serve }) => {
    const cut = Promise.withResolvers<void>()
    const url = serve(async (peer) => {
      await peer.accept()
      peer.socket.pause()
      await cut.promise
      peer.reset()
    })
    const socket = await opened(new type(url))
    socket.send(new Uint8Array(LARGE))
    const lost = next(socket, 'close')
    await aWhile()
    cut.resolve()
    await lost
    const { bufferedAmount } = socket
    holds(bufferedAmount > LARGE / 4, `what was not sent never will be: ${bufferedAmount}`)
    socket.send('12345')
    same(socket.bufferedAmount, bufferedAmount + 5)
  },
}
