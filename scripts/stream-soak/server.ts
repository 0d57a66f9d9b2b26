/**
 * The other side, which frames by itself and keeps nothing:
 *
 *     /sink             takes one message, and sends back its length and hash
 *     /source?bytes=    sends one message in fragments, then its length and hash
 *
 * It compresses when it is offered to. Tells its parent the port.
 */
import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { type AddressInfo, createServer, type Socket } from 'node:net'
import { promisify } from 'node:util'
import { constants, createDeflateRaw, createInflateRaw } from 'node:zlib'
import { Content, newHash } from './content.ts'

const GUID = '258EAFA5-E914-47DA-95CA-C5AB0DC85B11'
const FIN = 0x80
const RSV1 = 0x40
const TEXT = 1
const BINARY = 2
const CLOSE = 8
const TAIL = Buffer.of(0, 0, 0xff, 0xff)

async function write(socket: Socket, firstByte: number, payload: Uint8Array): Promise<void> {
  const { length } = payload
  const header = Buffer.alloc(length < 126 ? 2 : length < 65_536 ? 4 : 10)
  header[0] = firstByte
  header[1] = length < 126 ? length : length < 65_536 ? 126 : 127
  if (length >= 65_536) header.writeBigUInt64BE(BigInt(length), 2)
  else if (length >= 126) header.writeUInt16BE(length, 2)
  socket.cork()
  socket.write(header)
  const hasRoom = socket.write(payload)
  socket.uncork()
  if (!hasRoom) await once(socket, 'drain')
}

async function source(socket: Socket, bytes: number, isCompressed: boolean): Promise<void> {
  const content = new Content(bytes, isCompressed)
  let firstByte = isCompressed ? BINARY | RSV1 : BINARY
  const fragment = (payload: Uint8Array) => {
    const written = write(socket, firstByte, payload)
    firstByte = 0
    return written
  }
  if (isCompressed) await deflate(content, fragment)
  else for (let block = content.next(); block !== undefined; block = content.next()) await fragment(Buffer.from(block))
  await write(socket, FIN, isCompressed ? Buffer.of(0) : Buffer.alloc(0))
  await write(socket, FIN | TEXT, Buffer.from(`${bytes} ${content.digest()}`))
}

async function deflate(content: Content, fragment: (payload: Uint8Array) => Promise<void>): Promise<void> {
  const zlib = createDeflateRaw({ level: 1 })
  const flush = promisify((kind: number, done: () => void) => zlib.flush(kind, done))
  const small: Buffer[] = []
  zlib.on('data', (part: Buffer) => small.push(part))
  for (let block = content.next(); block !== undefined; block = content.next()) {
    zlib.write(Buffer.from(block))
    await flush(constants.Z_SYNC_FLUSH)
    await fragment(Buffer.concat(small.splice(0)))
  }
}

/** Takes frames apart as they come, and hands out what is in them. */
class FrameReader {
  #header = Buffer.alloc(0)
  #left = 0
  #key = Buffer.alloc(4)
  #at = 0
  #firstByte = 0

  /** True when the header is complete; a frame without payload is then complete as well. */
  #takeHeader(byte: number): boolean {
    const header = Buffer.concat([this.#header, Buffer.of(byte)])
    this.#header = header
    const short = (header[1] ?? 0) & 0x7f
    const extended = short < 126 ? 0 : short === 126 ? 2 : 8
    if (header.length < 6 + extended) return false
    this.#left = extended === 0 ? short : extended === 2 ? header.readUInt16BE(2) : Number(header.readBigUInt64BE(2))
    this.#key = header.subarray(2 + extended)
    this.#at = 0
    this.#firstByte = header[0]!
    this.#header = Buffer.alloc(0)
    return true
  }

  #unmask(payload: Buffer): Buffer {
    const key = this.#key
    const from = this.#at
    for (let i = 0; i < payload.length; i++) payload[i]! ^= key[(from + i) & 3]!
    this.#at += payload.length
    return payload
  }

  *read(chunk: Buffer): Generator<{ readonly firstByte: number; readonly payload: Buffer; readonly ends: boolean }> {
    for (let rest = chunk; rest.length > 0; ) {
      if (this.#left === 0) {
        const isComplete = this.#takeHeader(rest[0]!)
        rest = rest.subarray(1)
        if (!isComplete || this.#left > 0) continue
      }
      const payload = this.#unmask(rest.subarray(0, this.#left))
      rest = rest.subarray(payload.length)
      this.#left -= payload.length
      yield { firstByte: this.#firstByte, payload, ends: this.#left === 0 }
    }
  }
}

async function sink(socket: Socket, isCompressed: boolean): Promise<void> {
  const hash = newHash()
  const reader = new FrameReader()
  const inflate = createInflateRaw()
  let received = 0
  let isDeflated = false
  const count = (content: Buffer) => {
    hash.update(content)
    received += content.length
  }
  inflate.on('data', count)
  const take = async (content: Buffer) => {
    if (!isDeflated) count(content)
    else if (!inflate.write(Buffer.from(content))) await once(inflate, 'drain')
  }
  for await (const chunk of socket) {
    for (const { firstByte, payload, ends } of reader.read(chunk)) {
      const opcode = firstByte & 15
      if (opcode === CLOSE && ends) {
        await write(socket, FIN | CLOSE, Buffer.of(3, 232))
        socket.end()
        return
      }
      if (opcode >= CLOSE) continue
      if (opcode !== 0) isDeflated = isCompressed && (firstByte & RSV1) !== 0
      await take(payload)
      if ((firstByte & FIN) === 0 || !ends) continue
      if (isDeflated) await finish()
      await write(socket, FIN | TEXT, Buffer.from(`${received} ${hash.digest('hex')}`))
    }
  }

  async function finish(): Promise<void> {
    await take(TAIL)
    await new Promise<void>((done) => inflate.flush(constants.Z_SYNC_FLUSH, done))
  }
}

async function serve(socket: Socket): Promise<void> {
  const [head] = (await once(socket, 'data')) as [Buffer]
  socket.pause()
  const request = head.toString('latin1')
  const url = new URL(request.split(' ')[1]!, 'ws://localhost')
  const key = /^sec-websocket-key: *(\S+)/im.exec(request)?.[1]
  const isCompressed = /^sec-websocket-extensions:/im.test(request)
  const fields = ['Upgrade: websocket', 'Connection: Upgrade']
  fields.push(`Sec-WebSocket-Accept: ${createHash('sha1').update(`${key}${GUID}`).digest('base64')}`)
  if (isCompressed) fields.push('Sec-WebSocket-Extensions: permessage-deflate')
  socket.write(`HTTP/1.1 101 Switching Protocols\r\n${fields.join('\r\n')}\r\n\r\n`)
  if (url.pathname === '/source') await source(socket, Number(url.searchParams.get('bytes')), isCompressed)
  await sink(socket, isCompressed)
}

const server = createServer((socket) => void serve(socket).catch(() => socket.destroy()))
server.listen(0, '127.0.0.1', () => process.send!((server.address() as AddressInfo).port))
process.once('disconnect', () => process.exit())
