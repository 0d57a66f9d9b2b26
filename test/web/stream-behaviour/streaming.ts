import { failure, holds, rejection, same } from '../../contract/check.ts'
import { closePayload, frame, type PeerConnection, type PeerFrame } from '../../support/scripted-peer.ts'
import type { Cases } from '../implementation.ts'
import { type Context, type StreamClasses, untilClose } from '../suite.ts'
import { aWhile, throwsDom, throwsTypeError } from '../watching.ts'

/** Opens a stream to a peer that sends frames, and then reads. */
async function told(context: Context<StreamClasses>, ...frames: readonly Buffer[]) {
  return open(context, async (peer) => {
    await peer.write(Buffer.concat(frames))
    await untilClose(peer)
    peer.end()
  })
}

async function open({ type, serve }: Context<StreamClasses>, script: (peer: PeerConnection) => Promise<unknown>) {
  const url = serve(async (peer) => {
    await peer.accept()
    await script(peer)
  })
  const stream = new type.Stream(url)
  return { stream, ...(await stream.opened) }
}

/** Opens a stream to a peer that answers the Close frame with the same; `frames` are all that came. */
async function answered(context: Context<StreamClasses>) {
  const frames = Promise.withResolvers<PeerFrame[]>()
  const opened = await open(context, async (peer) => {
    const seen = await untilClose(peer)
    frames.resolve(seen)
    await peer.write(frame(8, seen.at(-1)!.payload))
    peer.end()
  })
  return {
    ...opened,
    frames: frames.promise,
    close: async () => (await frames.promise).at(-1)!.payload.toString('hex'),
  }
}

async function all(readable: ReadableStream<unknown>): Promise<unknown[]> {
  const chunks: unknown[] = []
  for await (const chunk of readable) chunks.push(chunk)
  return chunks
}

function payload(code: number, reason = ''): string {
  return closePayload(code, reason).toString('hex')
}

const MiB = 1024 * 1024

/** When the connection is established; messages in both directions. */
export const streaming: Cases<StreamClasses> = {
  'opened tells what was agreed, and has two streams': async ({ type: { Stream }, serve }) => {
    const url = serve((peer) => peer.accept(['Sec-WebSocket-Protocol: b']))
    const { readable, writable, protocol, extensions } = await new Stream(url, { protocols: ['a', 'b'] }).opened
    same([protocol, extensions], ['b', ''])
    holds(readable instanceof ReadableStream && writable instanceof WritableStream, 'they are streams')
  },

  'text is read as strings, bytes as Uint8Arrays': async (context) => {
    const { readable } = await told(context, frame(1, 'aé€😀'), frame(2, Buffer.of(1, 2)), frame(1, ''), frame(2, ''))
    const reader = readable.getReader()
    const chunks = []
    for (let i = 0; i < 4; i++) chunks.push((await reader.read()).value)
    same(chunks, ['aé€😀', Uint8Array.of(1, 2), '', new Uint8Array(0)])
  },

  'bytes that came together are chunks with an ArrayBuffer each': async (context) => {
    const sent = [1, 2, 3].map((value) => Buffer.alloc(100, value))
    const { readable } = await told(context, ...sent.map((bytes) => frame(2, bytes)))
    const reader = readable.getReader()
    const chunks: Uint8Array[] = []
    for (let i = 0; i < 3; i++) chunks.push((await reader.read()).value as Uint8Array)
    const contents = chunks.map(({ buffer }) => Buffer.from(buffer as ArrayBuffer).toString('hex'))
    same(
      contents,
      sent.map((bytes) => bytes.toString('hex')),
    )
  },

  'strings are written as text, bytes as binary': async (context) => {
    const { writable, frames } = await answered(context)
    const writer = writable.getWriter()
    const { buffer } = Uint8Array.of(1, 2, 3, 4)
    for (const chunk of ['aé\ud800', buffer, new Uint8Array(buffer, 1, 2), new DataView(buffer, 3)]) {
      await writer.write(chunk)
    }
    await writer.close()
    const seen = (await frames).map(({ opcode, payload: bytes }) => [opcode, bytes.toString('hex')])
    same(seen, [
      [1, Buffer.from('aé\ufffd').toString('hex')],
      [2, '01020304'],
      [2, '0203'],
      [2, '04'],
      [8, ''],
    ])
  },

  'a server that is not read from has to wait': async (context) => {
    let isAllOut = false
    const { readable } = await open(context, async (peer) => {
      const message = frame(2, Buffer.alloc(MiB))
      for (let i = 0; i < 64; i++) await peer.write(message)
      isAllOut = true
    })
    await aWhile(300)
    same(isAllOut, false)
    const reader = readable.getReader()
    for (let i = 0; i < 64; i++) same(((await reader.read()).value as Uint8Array).length, MiB)
  },

  'who writes to a server that does not read has to wait': async (context) => {
    const { writable } = await open(context, async (peer) => peer.socket.pause())
    const writer = writable.getWriter()
    let written = 0
    const write = async () => {
      while (written < 64) {
        await writer.write(new Uint8Array(MiB))
        written++
      }
    }
    write().catch(() => {})
    await aWhile(300)
    holds(written < 32, `it waits, after ${written} MiB`)
  },
}

/** "close(closeInfo)", streams that end, and when the connection is closed. */
export const ending: Cases<StreamClasses> = {
  'closing says code and reason, and closed what the server answers': async (context) => {
    const { stream, close } = await answered(context)
    stream.close({ closeCode: 3456, reason: 'pizza' })
    same(await close(), payload(3456, 'pizza'))
    const { closeCode, reason } = await stream.closed
    same([closeCode, reason], [3456, 'pizza'])
  },

  'closing without a code says nothing, and is 1005': async (context) => {
    for (const info of [[], [{}], [{ reason: '' }], [undefined]]) {
      const { stream, close } = await answered(context)
      stream.close(...info)
      same(await close(), '')
      same((await stream.closed).closeCode, 1005)
    }
  },

  'a reason without a code goes out with 1000': async (context) => {
    const { stream, close } = await answered(context)
    stream.close({ reason: 'why' })
    same(await close(), payload(1000, 'why'))
  },

  'code and reason are checked': async ({ type: { Stream }, echo }) => {
    const stream = new Stream(echo)
    await stream.opened
    for (const closeCode of [0, 999, 1001, 2999, 5000]) {
      throwsDom('InvalidAccessError', () => stream.close({ closeCode }))
    }
    throwsDom('SyntaxError', () => stream.close({ reason: 'x'.repeat(124) }))
  },

  'what to close with is an object, and the code a number in range': async ({ type: { Stream }, echo }) => {
    const stream = new Stream(echo)
    await stream.opened
    for (const info of [true, 5, 'text']) throwsTypeError(() => stream.close(info))
    for (const closeCode of [-1, 65_536, Number.NaN, 'x']) throwsTypeError(() => stream.close({ closeCode }))
  },

  'closing before it is open fails it': async ({ type: { Stream, Failure }, echo }) => {
    const stream = new Stream(echo)
    stream.close()
    await failure(stream.opened, Failure, { name: 'WebSocketError' })
    await failure(stream.closed, Failure, { closeCode: 1006, reason: '' })
  },

  'a handshake that fails is a WebSocketError': async ({ type: { Stream, Failure }, serve }) => {
    const url = serve((peer) => peer.write('HTTP/1.1 403 Forbidden\r\ncontent-length: 0\r\nconnection: close\r\n\r\n'))
    const stream = new Stream(url)
    await failure(stream.opened, Failure, { name: 'WebSocketError' })
    await failure(stream.closed, Failure, { closeCode: 1006, reason: '' })
  },

  'a server that chooses none of the subprotocols is refused': async ({ type: { Stream, Failure }, serve }) => {
    const stream = new Stream(
      serve((peer) => peer.accept()),
      { protocols: ['a'] },
    )
    await failure(stream.opened, Failure)
    await failure(stream.closed, Failure)
  },

  'the server may close: what it sent before can be read, nothing written': async (context) => {
    const { stream, readable, writable } = await told(
      context,
      frame(1, 'one'),
      frame(1, 'two'),
      frame(8, closePayload(4001, 'enough')),
    )
    same(await all(readable), ['one', 'two'])
    const { closeCode, reason } = await stream.closed
    same([closeCode, reason], [4001, 'enough'])
    const error = (await rejection(writable.getWriter().write('late'))) as DOMException
    holds(error instanceof DOMException, 'it is a DOMException')
    same(error.name, 'InvalidStateError')
  },

  'a connection that is lost fails everything with the same error': async (context) => {
    const { Failure } = context.type
    const { stream, readable, writable } = await open(context, async (peer) => peer.reset())
    const error = await failure(stream.closed, Failure, { closeCode: 1006, reason: '' })
    holds((await rejection(readable.getReader().read())) === error, 'reading')
    holds((await rejection(writable.getWriter().write('x'))) === error, 'writing')
  },

  'a reader that waits is told of the end': async (context) => {
    const clean = await told(context, frame(8, closePayload(1000)))
    await clean.readable.getReader().closed
    const lost = await open(context, async (peer) => peer.end())
    await failure(lost.readable.getReader().closed, context.type.Failure, { closeCode: 1006 })
  },

  'a server that breaks the protocol is failed': async (context) => {
    const { stream } = await told(context, frame(3, 'reserved opcode'))
    await failure(stream.closed, context.type.Failure, { closeCode: 1006 })
  },

  'messages that come after close was called are dropped': async (context) => {
    const { stream, readable } = await open(context, async (peer) => {
      await untilClose(peer)
      await peer.write(Buffer.concat([frame(1, 'late'), frame(8, closePayload(1000))]))
      peer.end()
    })
    stream.close()
    same(await all(readable), [])
    await stream.closed
  },

  'closing the writable closes, and waits for the end': async (context) => {
    let isAnswered = false
    const { stream, writable } = await open(context, async (peer) => {
      const { payload: empty } = (await untilClose(peer)).at(-1)!
      await aWhile(50)
      isAnswered = true
      await peer.write(frame(8, empty))
      peer.end()
    })
    await writable.getWriter().close()
    same(isAnswered, true)
    same((await stream.closed).closeCode, 1005)
  },

  'what was written before is sent before the Close frame': async (context) => {
    const { writable, frames } = await answered(context)
    const writer = writable.getWriter()
    writer.write('x'.repeat(MiB))
    writer.write('y')
    await writer.close()
    same(
      (await frames).map(({ payload: { length } }) => length),
      [MiB, 1, 0],
    )
  },

  'what waits for its turn when close is called is not sent, and its write fulfils': async (context) => {
    const { stream, writable, frames } = await answered(context)
    const writer = writable.getWriter()
    const writes = ['one', 'two', 'three'].map((chunk) => writer.write(chunk))
    stream.close()
    await Promise.all(writes)
    same(
      (await frames).map(({ opcode, payload: bytes }) => [opcode, bytes.toString()]),
      [
        [1, 'one'],
        [8, ''],
      ],
    )
    await stream.closed
  },

  'aborting and cancelling close': async (context) => {
    for (const how of ['abort', 'cancel'] as const) {
      const { stream, readable, writable, close } = await answered(context)
      await (how === 'abort' ? writable.abort() : readable.cancel())
      same(await close(), '')
      same((await stream.closed).closeCode, 1005)
    }
  },

  'a WebSocketError says what to close with': async (context) => {
    for (const how of ['abort', 'cancel'] as const) {
      const { stream, readable, writable, close } = await answered(context)
      const reason = new context.type.Failure('', { closeCode: 3333, reason: 'obsolete' })
      await (how === 'abort' ? writable.abort(reason) : readable.cancel(reason))
      same(await close(), payload(3333, 'obsolete'))
      same((await stream.closed).closeCode, 3333)
    }
  },

  'any other reason does not': async (context) => {
    for (const how of ['abort', 'cancel'] as const) {
      const { readable, writable, close } = await answered(context)
      const reason = { closeCode: 3333, reason: 'set' }
      await (how === 'abort' ? writable.abort(reason) : readable.cancel(reason))
      same(await close(), '')
    }
  },

  'closing again does nothing': async (context) => {
    const { stream, close } = await answered(context)
    stream.close({ closeCode: 3001 })
    stream.close({ closeCode: 3002 })
    same(await close(), payload(3001))
    await stream.closed
    stream.close({ closeCode: 3003 })
  },
}
