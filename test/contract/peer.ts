/**
 * The scripted side of the contract suite: a server whose path says which bytes it sends. The suite may run in another
 * process or runtime than this, so what the peer has seen is told over a socket, too: `/report?id=` answers with what
 * the connection with the same `id` has seen, once it is over.
 */
import { setImmediate } from 'node:timers/promises'
import {
  closePayload,
  frame,
  type PeerConnection,
  type PeerFrame,
  type ScriptedPeer,
  startScriptedPeer,
} from '../support/scripted-peer.ts'
import type { ServerTls } from '../support/websocket-server.ts'
import type { SeenFrame } from './suite.ts'

const CONTINUATION = 0
const TEXT = 1
const BINARY = 2
const CLOSE = 8
const PING = 9
const PONG = 10

interface Exchange {
  readonly peer: PeerConnection
  readonly query: URLSearchParams
  /** The frames that were read. */
  readonly seen: SeenFrame[]
  /** The next frame, which is noted as seen. */
  next(): Promise<PeerFrame>
}

const ROUTES: Readonly<Record<string, (exchange: Exchange) => Promise<unknown>>> = {
  // One message of `size` bytes in `frames` frames, `chunk` bytes at a time.
  '/fragments': async ({ peer, query }) => {
    const message = patterned(number(query, 'size'), query.get('type') === 'text')
    const opcode = query.get('type') === 'text' ? TEXT : BINARY
    await inChunks(peer, fragmented(opcode, message, number(query, 'frames')), number(query, 'chunk'))
  },
  // A fragmented message with a Ping and a Pong inside, and what the Ping was answered with.
  '/interleaved': async ({ peer, next }) => {
    const parts = [frame(TEXT, 'one ', { fin: false }), frame(PING, 'between'), frame(CONTINUATION, '', { fin: false })]
    await peer.write(Buffer.concat([...parts, frame(PONG, 'nobody asked'), frame(CONTINUATION, 'two')]))
    await next()
  },
  // Three messages in one write.
  '/together': ({ peer }) => peer.write(three('message')),
  // Pings, and reports what they were answered with.
  '/ping': async ({ peer, query, next }) => {
    await peer.write(frame(PING, Buffer.from(query.get('payload') ?? '')))
    await next()
  },
  // Answers only the last of so many Pings.
  '/late-pong': async ({ peer, query, next }) => {
    let last: PeerFrame | undefined
    for (let left = number(query, 'count'); left > 0; left--) last = await next()
    await peer.write(frame(PONG, 'unsolicited'))
    await peer.write(frame(PONG, last?.payload))
  },
  // Reads everything and answers nothing.
  '/mute': async ({ next }) => {
    for (;;) await next()
  },
  // Sends messages, then closes; reads what the client sends until its Close frame.
  '/close': async (exchange) => {
    const { peer, query } = exchange
    await peer.write(Buffer.concat([messages(query), closeFrame(query)]))
    await untilClose(exchange)
    peer.end()
  },
  // Reads until the client's Close frame, sends messages, and answers it: with its own code, as when both close at
  // once.
  '/await-close': async (exchange) => {
    const { peer, query } = exchange
    await untilClose(exchange)
    await peer.write(Buffer.concat([messages(query), closeFrame(query)]))
    if (query.get('end') === 'last') await peer.readEnd()
    peer.end()
  },
  // Sends messages, and ends the connection without a Close frame: by FIN, or by RST.
  '/drop': async ({ peer, query, next }) => {
    await peer.write(messages(query))
    // The client says when it has read them: a reset makes unread bytes worthless.
    await next()
    if (query.get('how') === 'reset') peer.reset()
    else peer.end()
  },
  // So many messages of 64 KiB, and a reset as soon as anything has come.
  '/reset': async ({ peer, query }) => {
    const message = frame(BINARY, new Uint8Array(65_536))
    for (let left = number(query, 'count'); left > 0; left--) peer.socket.write(message)
    await peer.read()
    peer.reset()
  },
  // The end follows the messages at once.
  '/drop-at-once': async ({ peer, query }) => {
    await peer.write(messages(query))
    peer.end()
  },
}

/** Starts the peer; `close` cuts all connections. */
export async function startContractPeer(tls: ServerTls | undefined): Promise<ScriptedPeer> {
  const reports = new Map<string, Promise<SeenFrame[]>>()
  const script = async (peer: PeerConnection) => {
    const { head } = await peer.readRequest()
    const { pathname, searchParams: query } = new URL(head.split(' ')[1]!, 'ws://localhost')
    const id = query.get('id') ?? ''
    await peer.accept()
    if (pathname === '/report') {
      await peer.write(frame(TEXT, JSON.stringify(await reports.get(id))))
      return
    }
    const seen: SeenFrame[] = []
    const next = async () => {
      const read = await peer.readFrame()
      seen.push({ opcode: read.opcode, masked: read.masked, payload: read.payload.toString('hex') })
      return read
    }
    const running = ROUTES[pathname]!({ peer, query, seen, next })
    reports.set(
      id,
      running.then(
        () => seen,
        () => seen,
      ),
    )
    await running
  }
  return startScriptedPeer(script, tls === undefined ? {} : { tls })
}

async function untilClose({ next }: Exchange): Promise<void> {
  while ((await next()).opcode !== CLOSE);
}

function number(query: URLSearchParams, name: string): number {
  return Number(query.get(name) ?? 0)
}

/** `count` numbered messages. */
function messages(query: URLSearchParams): Buffer {
  const count = number(query, 'count')
  return Buffer.concat(Array.from({ length: count }, (_, index) => frame(TEXT, `message ${index}`)))
}

function three(word: string): Buffer {
  return Buffer.concat([frame(TEXT, `${word} 0`), frame(BINARY, `${word} 1`), frame(TEXT, `${word} 2`)])
}

function closeFrame(query: URLSearchParams): Buffer {
  const code = query.get('code')
  return frame(CLOSE, code === null ? '' : closePayload(Number(code), query.get('reason') ?? ''))
}

/** Bytes that do not repeat with any power of two; as text, characters of one to four bytes. */
function patterned(size: number, isText: boolean): Buffer {
  const pattern = Buffer.from(isText ? 'aé€😀z' : Uint8Array.from({ length: 251 }, (_, index) => index))
  return Buffer.alloc(size, pattern)
}

/** The frames of one message, cut anywhere: in the middle of characters as well. */
function fragmented(opcode: number, message: Buffer, frames: number): Buffer {
  const length = Math.ceil(message.length / frames)
  const parts = Array.from({ length: frames }, (_, index) => message.subarray(index * length, (index + 1) * length))
  return Buffer.concat(
    parts.map((part, index) => frame(index === 0 ? opcode : CONTINUATION, part, { fin: index === frames - 1 })),
  )
}

/** Each chunk leaves by itself; small ones arrive by themselves as well, as far as the system lets them. */
async function inChunks(peer: PeerConnection, bytes: Buffer, chunk: number): Promise<void> {
  for (let from = 0; from < bytes.length; from += chunk) {
    await peer.write(bytes.subarray(from, from + chunk))
    await setImmediate()
  }
}
