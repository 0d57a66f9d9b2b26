import { type ClientWebSocket, InvalidStateError, type Message, OptionsError } from 'hawser'
import { failure, holds, rejection, same } from './check.ts'
import type { Cases } from './suite.ts'

const MiB = 1024 * 1024
const SIZES = [0, 1, 125, 126, 127, 65_535, 65_536, 65_537, 16 * MiB]
/** Characters of one to four bytes; eleven together. */
const CHARACTERS = 'aé€😀z'

/** Bytes that do not repeat with any power of two. */
function binary(size: number): Uint8Array {
  const bytes = new Uint8Array(size)
  for (let i = 0; i < size; i++) bytes[i] = i % 251
  return bytes
}

/** So many bytes of text, as far as possible not of ASCII. */
function nonAscii(size: number): string {
  return CHARACTERS.repeat(size / 11) + 'x'.repeat(size % 11)
}

async function echoed(socket: ClientWebSocket, message: Message): Promise<void> {
  const [received] = await Promise.all([socket.receive(), socket.send(message)])
  same(received, message)
}

async function receiveAll(socket: ClientWebSocket): Promise<Message[]> {
  const received: Message[] = []
  for await (const message of socket) received.push(message)
  return received
}

/** One message in many frames, the bytes of the stream in chunks that know nothing of frames. */
const FRAGMENTED: readonly { type: 'text' | 'binary'; size: number; frames: number; chunk: number }[] = [
  { type: 'binary', size: 500, frames: 9, chunk: 1 },
  { type: 'text', size: 550, frames: 13, chunk: 1 },
  { type: 'text', size: 1100, frames: 1100, chunk: 7 },
  { type: 'text', size: 110_000, frames: 100, chunk: 777 },
  { type: 'binary', size: 200_000, frames: 3, chunk: 4096 },
  { type: 'binary', size: 16 * MiB, frames: 1, chunk: MiB },
  { type: 'binary', size: 16 * MiB, frames: 1000, chunk: 65_537 },
  { type: 'text', size: 11 * 1_525_201, frames: 64, chunk: 65_535 },
]

function fragmentedCases(): Cases {
  return Object.fromEntries(
    FRAGMENTED.map(({ type, size, frames, chunk }) => [
      `${size} bytes of ${type} in ${frames} frames come together from chunks of ${chunk}`,
      async ({ openPeer }) => {
        const query = `type=${type}&size=${size}&frames=${frames}&chunk=${chunk}`
        const { socket } = await openPeer(`/fragments?${query}`)
        same(await socket.receive(), type === 'text' ? CHARACTERS.repeat(size / 11) : binary(size))
      },
    ]),
  )
}

/** What is sent and received. */
export const messages: Cases = {
  ...Object.fromEntries(
    SIZES.map((size): [string, Cases[string]] => [
      `${size} bytes come back as they went`,
      async ({ open }) => {
        const socket = await open('/echo')
        await echoed(socket, 'x'.repeat(size))
        await echoed(socket, nonAscii(size))
        await echoed(socket, binary(size))
      },
    ]),
  ),
  ...fragmentedCases(),

  'control frames may stand between the frames of a message': async ({ openPeer }) => {
    const { socket, seen } = await openPeer('/interleaved')
    same(await socket.receive(), 'one two')
    same(await seen(), [{ opcode: 10, masked: true, payload: hex('between') }])
  },

  'all that holds bytes can be sent': async ({ open }) => {
    const socket = await open('/echo')
    const bytes = binary(300)
    const shared = new Uint8Array(new SharedArrayBuffer(300))
    shared.set(bytes)
    const forms = [
      bytes.buffer,
      shared,
      shared.buffer,
      new DataView(bytes.buffer as ArrayBuffer),
      new Uint16Array(bytes.buffer),
    ]
    for (const form of forms) {
      await socket.send(form as ArrayBuffer)
      same(await socket.receive(), bytes)
    }
    await socket.send(bytes.subarray(100, 200))
    same(await socket.receive(), bytes.subarray(100, 200))
    for (const nothing of [undefined, null, 1, {}, [1], new Response('x')]) {
      await failure(socket.send(nothing as never), OptionsError, { option: 'data' })
    }
  },

  'a Blob is sent as one binary message': async ({ open }) => {
    const socket = await open('/echo')
    for (const size of [0, 10, 300_000]) {
      const bytes = binary(size)
      await socket.send(new Blob([bytes.subarray(0, size / 2), bytes.subarray(size / 2)]))
      same(await socket.receive(), bytes)
    }
  },

  'a ReadableStream is sent as one message, of the type of its pieces': async ({ open }) => {
    const socket = await open('/echo')
    await socket.send(streamOf('a', '', 'b\ud83d', '\ude00', 'c'))
    same(await socket.receive(), 'ab😀c')
    await socket.send(streamOf(binary(1), binary(100_000), binary(0)))
    const received = (await socket.receive()) as Uint8Array
    same(received, new Uint8Array([...binary(1), ...binary(100_000)]))
    await socket.send(streamOf())
    same(await socket.receive(), new Uint8Array(0))
  },

  'sendStream sends one message, and those that are sent meanwhile come after it': async ({ open, harness }) => {
    const socket = await open('/echo')
    const writer = socket.sendStream('text').getWriter()
    const after = socket.send('after')
    for (const piece of ['one ', 'two ', 'three']) await writer.write(piece)
    // A Ping passes between the fragments.
    if (harness.can.pings) await socket.ping()
    await writer.close()
    await after
    same(await socket.receive(), 'one two three')
    same(await socket.receive(), 'after')
  },

  'receiveStream gives a message piece by piece': async ({ open }) => {
    const socket = await open('/echo')
    const text = 'some text, ü€😀 '.repeat(20_000)
    await socket.send(text)
    await socket.send(binary(100_000))
    await socket.send('next')
    const first = await socket.receiveStream()
    same(first?.type, 'text')
    let received = ''
    for await (const piece of first!.stream as ReadableStream<string>) received += piece
    same(received, text)
    const second = await socket.receiveStream()
    same(second?.type, 'binary')
    await second!.stream.cancel()
    same(await socket.receive(), 'next')
  },

  'what was sent may be changed after the call': async ({ open }) => {
    const socket = await open('/echo')
    // A slice of a Buffer is no copy.
    const { Buffer } = globalThis as { Buffer?: { from(bytes: Uint8Array): Uint8Array } }
    for (const size of [10, 10_000, 300_000]) {
      for (const bytes of [binary(size), Buffer?.from(binary(size)) ?? binary(size)]) {
        const sent = socket.send(bytes)
        bytes.fill(255)
        await sent
        same(await socket.receive(), binary(size))
      }
    }
  },

  'what was received may be kept': async ({ open }) => {
    const socket = await open('/echo')
    const kept: Message[] = []
    for (let i = 0; i < 50; i++) {
      await socket.send(Uint8Array.of(i, i + 1))
      kept.push((await socket.receive())!)
    }
    same(
      kept,
      Array.from({ length: 50 }, (_, i) => Uint8Array.of(i, i + 1)),
    )
  },

  'sends that overlap go out in order': async ({ open }) => {
    const socket = await open('/echo')
    const sent = Array.from({ length: 300 }, (_, i) => (i % 3 === 0 ? binary(i * 50) : `${i}`.repeat(i % 50)))
    const done = Promise.all(sent.map((message) => socket.send(message)))
    const received: Message[] = []
    for await (const message of socket) if (received.push(message) === sent.length) break
    same(received, sent)
    await done
  },

  'bufferedAmount tells what is unsent, and comes back to 0': async ({ open, harness }) => {
    const socket = await open('/echo')
    const sent = socket.send(binary(MiB))
    holds(socket.bufferedAmount > MiB || !harness.can.sendWaits, 'what was sent is buffered')
    await sent
    await socket.receive()
    same(socket.bufferedAmount, 0)
  },

  'for await gives every message, and ends when the server closes': async ({ openPeer }) => {
    const { socket } = await openPeer('/close?count=5')
    same(await receiveAll(socket), ['message 0', 'message 1', 'message 2', 'message 3', 'message 4'])
    same(await socket.receive(), undefined)
  },

  'a loop that is left can be gone on with': async ({ openPeer }) => {
    const { socket } = await openPeer('/close?count=4')
    for await (const message of socket) if (message === 'message 1') break
    same(socket.closeStatus === undefined || socket.state === 'closed', true)
    same(await socket.receive(), 'message 2')
    same(await receiveAll(socket), ['message 3'])
  },

  'messages that come together are a batch': async ({ openPeer, harness }) => {
    const { socket } = await openPeer('/together')
    const batches: Message[][] = []
    for await (const batch of socket.batches()) {
      batches.push(batch)
      if (batches.flat().length >= 3) break
    }
    same(batches.flat(), ['message 0', new TextEncoder().encode('message 1'), 'message 2'])
    holds(batches.length === 1 || !harness.can.together, 'all of them are one batch')
  },

  'batches hold every message, and end when the server closes': async ({ openPeer }) => {
    const { socket } = await openPeer('/close?count=1000')
    const received: Message[] = []
    for await (const batch of socket.batches()) {
      holds(batch.length > 0, 'a batch is not empty')
      received.push(...batch)
    }
    same(
      received,
      Array.from({ length: 1000 }, (_, index) => `message ${index}`),
    )
  },

  'only one receive may wait': async ({ open }) => {
    const socket = await open('/echo')
    const first = socket.receive()
    await failure(socket.receive(), InvalidStateError, { state: 'open' })
    await failure(socket.batches().next(), InvalidStateError)
    await socket.send('for the first')
    same(await first, 'for the first')
  },

  'a receive that is cancelled loses nothing': async ({ open }) => {
    const socket = await open('/echo')
    const reason = new Error('no more')
    const controller = new AbortController()
    const received = socket.receive({ signal: controller.signal })
    controller.abort(reason)
    same(await rejection(received), reason)
    await socket.send('one')
    same(await rejection(socket.receive({ signal: AbortSignal.abort(reason) })), reason)
    const late = new AbortController()
    same(await socket.receive({ signal: late.signal }), 'one')
    late.abort()
    await echoed(socket, 'two')
    same(socket.state, 'open')
  },
}

function hex(text: string): string {
  return [...text].map((character) => character.charCodeAt(0).toString(16)).join('')
}

function streamOf<T extends string | Uint8Array>(...pieces: readonly T[]): ReadableStream<T> {
  return new ReadableStream<T>({
    start(controller) {
      for (const piece of pieces) controller.enqueue(piece)
      controller.close()
    },
  })
}
