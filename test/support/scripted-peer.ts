/** A server that sends exactly the bytes a test tells it to, and shows exactly those that came. */
import { createHash, randomBytes } from 'node:crypto'
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net'
import { createServer as createTlsServer } from 'node:tls'
import type { ServerTls } from './websocket-server.ts'

/** What the peer does with each connection. What it throws, `close` of the peer throws. */
export type Script = (connection: PeerConnection) => Promise<void> | void

export interface ScriptedPeer extends AsyncDisposable {
  /** ws://127.0.0.1:port or wss://localhost:port, without a path. */
  readonly url: string
  readonly port: number
  /** All connections so far. */
  readonly connections: readonly PeerConnection[]
  /** Cuts all connections, and fails if a script has failed. A script that still reads or writes is only stopped. */
  close(): Promise<void>
}

export interface PeerRequest {
  /** Everything up to and with the empty line. */
  readonly head: string
  /** Names in lower case. */
  readonly headers: ReadonlyMap<string, string>
  /** The Sec-WebSocket-Key. */
  readonly key: string
}

export interface PeerFrame {
  readonly fin: boolean
  /** The three reserved bits as a number: 4 is RSV1. */
  readonly rsv: number
  readonly opcode: number
  readonly masked: boolean
  readonly maskingKey: Buffer
  /** Unmasked. */
  readonly payload: Buffer
}

export interface FrameOptions {
  /** Default: true. */
  readonly fin?: boolean
  readonly rsv1?: boolean
  readonly rsv2?: boolean
  readonly rsv3?: boolean
  /** Masks the payload, which no server may do. Default: false. */
  readonly mask?: boolean
}

/**
 * What a script's reads and writes fail with once its connection is over; it ends the script, and is no failure of it.
 */
export class ConnectionEnded extends Error {}

const GUID = '258EAFA5-E914-47DA-95CA-C5AB0DC85B11'

export async function startScriptedPeer(script: Script, options: { tls?: ServerTls } = {}): Promise<ScriptedPeer> {
  const connections: PeerConnection[] = []
  const running: Promise<void>[] = []
  const failures: unknown[] = []
  const onConnection = (socket: Socket, underneath: Socket = socket) => {
    const connection = new PeerConnection(socket, underneath)
    connections.push(connection)
    const run = async () => script(connection)
    running.push(
      run().catch((error: unknown) => {
        if (!(error instanceof ConnectionEnded)) failures.push(error)
      }),
    )
  }
  const server: Server =
    options.tls === undefined
      ? createServer({ allowHalfOpen: true }, (socket) => onConnection(socket))
      : serveTls(options.tls, onConnection)
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  const close = async () => {
    for (const { socket } of connections) socket.destroy()
    await new Promise((resolve) => server.close(resolve))
    await Promise.all(running)
    if (failures.length > 0) throw failures[0]
  }
  const url = options.tls === undefined ? `ws://127.0.0.1:${port}` : `wss://localhost:${port}`
  return { url, port, connections, close, [Symbol.asyncDispose]: close }
}

function serveTls(tls: ServerTls, onConnection: (socket: Socket, underneath: Socket) => void): Server {
  const tcpSockets = new Map<number | undefined, Socket>()
  const server = createTlsServer({ ALPNProtocols: ['http/1.1'], ...tls, allowHalfOpen: true }, (socket) =>
    onConnection(socket, tcpSockets.get(socket.remotePort)!),
  )
  return server.on('connection', (socket: Socket) => tcpSockets.set(socket.remotePort, socket))
}

/** The peer's side of one connection. */
export class PeerConnection {
  readonly socket: Socket
  /** The TCP socket, if `socket` is one of TLS. */
  readonly #underneath: Socket
  /** Settles with the error, if any, once the connection is over. */
  readonly closed: Promise<Error | undefined>
  readonly #bytes: AsyncIterator<Buffer>
  #buffered = Buffer.alloc(0)
  /** What has come since: joined when it is wanted, since joining at each arrival takes long for large payloads. */
  #arrived: Buffer[] = []
  #length = 0
  #key = ''

  constructor(socket: Socket, underneath: Socket) {
    this.socket = socket
    this.#underneath = underneath
    underneath.setNoDelay()
    let failure: Error | undefined
    socket.on('error', (error) => {
      failure = error
    })
    this.closed = new Promise((resolve) => socket.once('close', () => resolve(failure)))
    this.#bytes = socket.iterator({ destroyOnReturn: false })
  }

  /** The next bytes, as many as have come. Fails with ConnectionEnded after the client's end. */
  async read(): Promise<Buffer> {
    if (this.#length === 0) await this.#readMore()
    return this.#take(this.#length)
  }

  /** Exactly so many bytes. */
  async readExactly(length: number): Promise<Buffer> {
    while (this.#length < length) await this.#readMore()
    return this.#take(length)
  }

  /** Waits for the client's end; fails when bytes come before it. */
  async readEnd(): Promise<void> {
    const bytes = await this.read().catch(() => undefined)
    if (bytes !== undefined) throw new Error(`Expected the end, but there came ${bytes.toString('hex')}`)
  }

  async readRequest(): Promise<PeerRequest> {
    let end = -1
    while (end < 0) {
      await this.#readMore()
      this.#join()
      end = this.#buffered.indexOf('\r\n\r\n')
    }
    const head = this.#take(end + 4).toString('latin1')
    const fields = head.trimEnd().split('\r\n').slice(1)
    const headers = new Map(fields.map((line) => parseField(line)))
    this.#key = headers.get('sec-websocket-key') ?? ''
    return { head, headers, key: this.#key }
  }

  async readFrame(): Promise<PeerFrame> {
    const start = await this.readExactly(2)
    const first = start.readUInt8(0)
    const second = start.readUInt8(1)
    const masked = (second & 0x80) !== 0
    const length = await this.#readLength(second & 0x7f)
    const maskingKey = await this.readExactly(masked ? 4 : 0)
    const payload = Buffer.from(await this.readExactly(length))
    if (masked) applyMask(payload, maskingKey)
    return { fin: (first & 0x80) !== 0, rsv: (first >> 4) & 7, opcode: first & 15, masked, maskingKey, payload }
  }

  /** Resolves when the system has taken the bytes. */
  async write(data: string | Uint8Array): Promise<void> {
    const bytes = typeof data === 'string' ? Buffer.from(data, 'latin1') : data
    await new Promise<void>((resolve, reject) => {
      this.socket.write(bytes, (error) => (error ? reject(ended(error)) : resolve()))
    })
  }

  /** The 101 that accepts the request that was read last. */
  acceptance(extraHeaders: readonly string[] = []): string {
    const accept = createHash('sha1').update(`${this.#key}${GUID}`).digest('base64')
    const fields = ['Upgrade: websocket', 'Connection: Upgrade', `Sec-WebSocket-Accept: ${accept}`, ...extraHeaders]
    return `HTTP/1.1 101 Switching Protocols\r\n${fields.join('\r\n')}\r\n\r\n`
  }

  /** Reads the request unless it has been read, and accepts it. */
  async accept(extraHeaders: readonly string[] = []): Promise<void> {
    if (this.#key === '') await this.readRequest()
    await this.write(this.acceptance(extraHeaders))
  }

  /** Ends our direction. */
  end(): void {
    this.socket.end()
  }

  /** Cuts the connection with a TCP RST. */
  reset(): void {
    this.#underneath.resetAndDestroy()
  }

  async #readLength(short: number): Promise<number> {
    if (short === 126) return (await this.readExactly(2)).readUInt16BE()
    if (short === 127) return Number((await this.readExactly(8)).readBigUInt64BE())
    return short
  }

  async #readMore(): Promise<void> {
    const next = await this.#bytes.next().catch((cause: unknown) => {
      throw ended(cause)
    })
    if (next.done) throw ended(undefined)
    this.#arrived.push(next.value)
    this.#length += next.value.length
  }

  #join(): void {
    if (this.#arrived.length === 0) return
    this.#buffered = Buffer.concat([this.#buffered, ...this.#arrived])
    this.#arrived = []
  }

  #take(length: number): Buffer {
    this.#join()
    this.#length -= length
    const taken = this.#buffered.subarray(0, length)
    this.#buffered = this.#buffered.subarray(length)
    return taken
  }
}

function ended(cause: unknown): ConnectionEnded {
  return new ConnectionEnded('The connection is over', { cause })
}

/** The bytes of a frame as a server sends it. */
export function frame(opcode: number, payload: string | Uint8Array = '', options: FrameOptions = {}): Buffer {
  const { fin = true, rsv1 = false, rsv2 = false, rsv3 = false, mask = false } = options
  const flags = (fin ? 0x80 : 0) | (rsv1 ? 0x40 : 0) | (rsv2 ? 0x20 : 0) | (rsv3 ? 0x10 : 0)
  const bytes = Buffer.from(payload)
  const header = Buffer.concat([Buffer.of(flags | opcode), lengthOf(bytes.length)])
  if (!mask) return Buffer.concat([header, bytes])
  const maskingKey = randomBytes(4)
  applyMask(bytes, maskingKey)
  header[1]! |= 0x80
  return Buffer.concat([header, maskingKey, bytes])
}

/** The payload of a Close frame. */
export function closePayload(code: number, reason = ''): Buffer {
  return Buffer.concat([Buffer.of(code >> 8, code & 0xff), Buffer.from(reason)])
}

function lengthOf(length: number): Buffer {
  if (length < 126) return Buffer.of(length)
  const extended = Buffer.alloc(length < 65_536 ? 2 : 8)
  if (length < 65_536) extended.writeUInt16BE(length)
  else extended.writeBigUInt64BE(BigInt(length))
  return Buffer.concat([Buffer.of(length < 65_536 ? 126 : 127), extended])
}

function applyMask(bytes: Buffer, maskingKey: Buffer): void {
  for (let i = 0; i < bytes.length; i++) bytes[i]! ^= maskingKey[i & 3]!
}

function parseField(line: string): readonly [string, string] {
  const colon = line.indexOf(':')
  return [line.slice(0, colon).toLowerCase(), line.slice(colon + 1).trim()]
}
