/** A server of HTTP/2 that sends exactly the frames a test tells it to, and notes all that come (RFC 9113). */
import { ConnectionEnded, type PeerConnection, startScriptedPeer } from './scripted-peer.ts'
import type { ServerTls } from './websocket-server.ts'

/** RFC 9113 §6. */
export const DATA = 0
export const HEADERS = 1
export const RST_STREAM = 3
export const SETTINGS = 4
export const PING = 6
export const GOAWAY = 7
const WINDOW_UPDATE = 8

/** Of DATA and HEADERS. */
export const END_STREAM = 1
const ACK = 1
const END_HEADERS = 4

/** RFC 9113 §7. */
export const ERROR_CODES = {
  NO_ERROR: 0,
  PROTOCOL_ERROR: 1,
  INTERNAL_ERROR: 2,
  FLOW_CONTROL_ERROR: 3,
  SETTINGS_TIMEOUT: 4,
  STREAM_CLOSED: 5,
  FRAME_SIZE_ERROR: 6,
  REFUSED_STREAM: 7,
  CANCEL: 8,
  COMPRESSION_ERROR: 9,
  CONNECT_ERROR: 10,
  ENHANCE_YOUR_CALM: 11,
  INADEQUATE_SECURITY: 12,
  HTTP_1_1_REQUIRED: 13,
} as const

/** RFC 9113 §6.5.2 and RFC 8441 §3. */
export const SETTING = { MAX_CONCURRENT_STREAMS: 3, INITIAL_WINDOW_SIZE: 4, ENABLE_CONNECT_PROTOCOL: 8 } as const
export const CONNECT_ALLOWED = { [SETTING.ENABLE_CONNECT_PROTOCOL]: 1 }

export interface Http2Frame {
  readonly type: number
  readonly flags: number
  readonly streamId: number
  readonly payload: Buffer
  /** When it was read, of performance.now(). */
  readonly at: number
}

/** What the server does with each connection. What it throws, `close` of the server throws. */
export type Http2Script = (connection: RawHttp2Connection) => Promise<void> | void

export interface RawHttp2Options {
  readonly tls?: ServerTls | undefined
  /** What ALPN chooses from. Default: h2. */
  readonly alpn?: readonly string[]
}

export interface RawHttp2Server {
  /** ws://127.0.0.1:port or wss://localhost:port, without a path. */
  readonly url: string
  readonly port: number
  /** All connections so far. */
  readonly connections: readonly RawHttp2Connection[]
  /** Cuts all connections, and fails if a script has failed. */
  close(): Promise<void>
}

export async function startRawHttp2Server(
  script: Http2Script,
  { tls, alpn = ['h2'] }: RawHttp2Options = {},
): Promise<RawHttp2Server> {
  const connections: RawHttp2Connection[] = []
  const secure = tls && { ...tls, ALPNProtocols: alpn }
  const peer = await startScriptedPeer(
    (connection) => {
      const raw = new RawHttp2Connection(connection)
      connections.push(raw)
      return script(raw)
    },
    secure === undefined ? {} : { tls: secure },
  )
  return { url: peer.url, port: peer.port, connections, close: peer.close }
}

export const PREFACE = 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'

interface Waiter {
  readonly matches: (frame: Http2Frame) => boolean
  readonly found: PromiseWithResolvers<Http2Frame>
}

/** The server's side of one connection. */
export class RawHttp2Connection {
  readonly peer: PeerConnection
  /** All frames that have come. */
  readonly frames: Http2Frame[] = []
  /** Settles once the client has ended the connection, or it is over. */
  readonly ended: Promise<void>
  readonly #ended = Promise.withResolvers<void>()
  readonly #unclaimed: Http2Frame[] = []
  readonly #waiters: Waiter[] = []
  /** Answers that have to wait for our SETTINGS. */
  #owed: Uint8Array[] | undefined = []
  #isOver = false

  constructor(peer: PeerConnection) {
    this.peer = peer
    this.ended = this.#ended.promise
  }

  /**
   * Reads the client's preface, sends SETTINGS, and from then on notes its frames and answers its SETTINGS and PINGs.
   */
  async start(settings: Readonly<Record<number, number>> = CONNECT_ALLOWED): Promise<void> {
    await this.startWithoutSettings()
    await this.sendSettings(settings)
  }

  /** Only reads: before our SETTINGS nothing may be sent (RFC 9113 §3.4). */
  async startWithoutSettings(): Promise<void> {
    const preface = (await this.peer.readExactly(PREFACE.length)).toString('latin1')
    if (preface !== PREFACE) throw new Error(`This is not the preface of HTTP/2: ${JSON.stringify(preface)}`)
    void this.#readFrames()
  }

  /** To be called once, after `startWithoutSettings`. */
  async sendSettings(settings: Readonly<Record<number, number>> = CONNECT_ALLOWED): Promise<void> {
    const owed = this.#owed ?? []
    this.#owed = undefined
    await this.write(settingsFrame(settings), ...owed)
  }

  /** The stream of the next HEADERS frame. */
  async nextRequest(): Promise<number> {
    return (await this.next(({ type }) => type === HEADERS)).streamId
  }

  /** The first frame that matches and was not given before. Fails with ConnectionEnded if none comes. */
  next(matches: (frame: Http2Frame) => boolean): Promise<Http2Frame> {
    const index = this.#unclaimed.findIndex(matches)
    if (index >= 0) return Promise.resolve(this.#unclaimed.splice(index, 1)[0]!)
    if (this.#isOver) return Promise.reject(new ConnectionEnded())
    const found = Promise.withResolvers<Http2Frame>()
    this.#waiters.push({ matches, found })
    return found.promise
  }

  /** Whatever is written leaves in one piece. */
  write(...frames: readonly Uint8Array[]): Promise<void> {
    return this.peer.write(Buffer.concat(frames))
  }

  /** What has come on a stream, in order, without WINDOW_UPDATEs. */
  seenOn(streamId: number): Http2Frame[] {
    return this.frames.filter((each) => each.streamId === streamId && each.type !== WINDOW_UPDATE)
  }

  async #readFrames(): Promise<void> {
    try {
      for (;;) await this.#take(await this.#readFrame())
    } catch {
      this.#isOver = true
      for (const { found } of this.#waiters) found.reject(new ConnectionEnded())
      this.#ended.resolve()
    }
  }

  async #readFrame(): Promise<Http2Frame> {
    const header = await this.peer.readExactly(9)
    const payload = Buffer.from(await this.peer.readExactly(header.readUIntBE(0, 3)))
    const streamId = header.readUInt32BE(5) & 0x7fff_ffff
    return { type: header[3]!, flags: header[4]!, streamId, payload, at: performance.now() }
  }

  async #take(frame: Http2Frame): Promise<void> {
    this.frames.push(frame)
    const needsAck = (frame.flags & ACK) === 0
    if (frame.type === SETTINGS && needsAck) await this.#answer(http2Frame(SETTINGS, { flags: ACK }))
    if (frame.type === PING && needsAck) await this.#answer(http2Frame(PING, { flags: ACK, payload: frame.payload }))
    const index = this.#waiters.findIndex(({ matches }) => matches(frame))
    if (index >= 0) this.#waiters.splice(index, 1)[0]!.found.resolve(frame)
    else this.#unclaimed.push(frame)
  }

  async #answer(frame: Uint8Array): Promise<void> {
    if (this.#owed === undefined) await this.write(frame)
    else this.#owed.push(frame)
  }
}

// The bytes of frames.

export function http2Frame(
  type: number,
  { flags = 0, streamId = 0, payload = Buffer.alloc(0) }: { flags?: number; streamId?: number; payload?: Uint8Array },
): Buffer {
  const header = Buffer.alloc(9)
  header.writeUIntBE(payload.length, 0, 3)
  header[3] = type
  header[4] = flags
  header.writeUInt32BE(streamId, 5)
  return Buffer.concat([header, payload])
}

export function settingsFrame(settings: Readonly<Record<number, number>> = {}): Buffer {
  const entries = Object.entries(settings).map(([id, value]) => {
    const entry = Buffer.alloc(6)
    entry.writeUInt16BE(Number(id))
    entry.writeUInt32BE(value, 2)
    return entry
  })
  return http2Frame(SETTINGS, { payload: Buffer.concat(entries) })
}

export function headersFrame(streamId: number, fields: Readonly<Record<string, string>>, flags = 0): Buffer {
  const literals = Object.entries(fields).map(([name, value]) => literalField(name, value))
  return http2Frame(HEADERS, { flags: flags | END_HEADERS, streamId, payload: Buffer.concat(literals) })
}

export function dataFrame(streamId: number, payload: Uint8Array, flags = 0): Buffer {
  return http2Frame(DATA, { flags, streamId, payload })
}

export function rstFrame(streamId: number, errorCode: number): Buffer {
  return http2Frame(RST_STREAM, { streamId, payload: uint32(errorCode) })
}

export function goawayFrame(lastStreamId: number, errorCode: number = ERROR_CODES.NO_ERROR): Buffer {
  return http2Frame(GOAWAY, { payload: Buffer.concat([uint32(lastStreamId), uint32(errorCode)]) })
}

/** The error code in a RST_STREAM or GOAWAY frame. */
export function errorCodeOf({ type, payload }: Http2Frame): number {
  return payload.readUInt32BE(type === GOAWAY ? 4 : 0)
}

function uint32(value: number): Buffer {
  const bytes = Buffer.alloc(4)
  bytes.writeUInt32BE(value)
  return bytes
}

/** RFC 7541 §6.2.2: a literal without indexing, its name literal, too. */
function literalField(name: string, value: string): Buffer {
  return Buffer.concat([Buffer.of(0), ...[name, value].map((text) => stringLiteral(Buffer.from(text, 'latin1')))])
}

/** RFC 7541 §5.2, without Huffman. Up to 16 KiB. */
function stringLiteral(text: Buffer): Buffer {
  if (text.length < 127) return Buffer.concat([Buffer.of(text.length), text])
  const rest = text.length - 127
  return Buffer.concat([Buffer.of(127, (rest & 127) | 128, rest >> 7), text])
}
