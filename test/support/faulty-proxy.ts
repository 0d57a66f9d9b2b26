/**
 * A proxy on the loopback that does harm once, at a chosen byte of what a client and a server say.
 *
 *     client ⇄ wire ⇄ entrance ⇄ server
 *
 * The entrance ends TLS, if there is any, and so can read both directions. It is there that a place is found. Harm to
 * what the server says is done on the wire, below TLS; harm to what the client says, behind the entrance. The server
 * itself is spoken to without TLS.
 */
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net'
import { setTimeout as later, setImmediate } from 'node:timers/promises'
import { createServer as createTlsServer } from 'node:tls'
import type { Certificate } from './certificates.ts'

export const FAULTS = ['delay', 'chop', 'stall', 'half-close', 'reset', 'corrupt'] as const

/**
 * What is done from a place on, to one direction: it waits for 100 ms; the next 256 bytes go one by one; nothing more
 * of it arrives; it is ended; the connection is reset, to both sides; the highest bit of the next byte is turned over.
 */
export type Fault = (typeof FAULTS)[number]

/** Where harm is done. */
export type Place =
  /** As soon as there is a connection, to both directions. */
  | { readonly on: 'connection' }
  /** In the middle of what the server says of TLS. */
  | { readonly on: 'tls' }
  /**
   * Behind a byte of what the client or the server says; `find` gets all that was said, and gives the number of bytes
   * before it.
   */
  | { readonly on: 'up' | 'down'; readonly find: (said: Buffer) => number | undefined }

export interface FaultyProxyOptions {
  /** The port of the server. */
  readonly target: number
  readonly tls: Certificate | undefined
  readonly alpn: readonly string[]
  readonly place: Place
  readonly fault: Fault
}

export interface FaultyProxy {
  /** ws://127.0.0.1:port or wss://localhost:port, without a path. */
  readonly url: string
  /** Whether the place was found. */
  hasStruck(): boolean
  /** Resolves once the client has ended all its connections, or lost them. */
  clientGone(): Promise<unknown>
  /** Cuts all connections. */
  close(): Promise<void>
}

const DELAY = 100
/** So many bytes go one by one. */
const CHOPPED = 256
/** Of the first flight of a TLS server. */
const WITHIN_TLS = 100
/** Behind the header of a TLS record. */
const WITHIN_RECORD = 5

export async function startFaultyProxy(options: FaultyProxyOptions): Promise<FaultyProxy> {
  const relay = new Relay(options)
  const { tls } = options
  const port = await relay.listen()
  return {
    url: tls === undefined ? `ws://127.0.0.1:${port}` : `wss://localhost:${port}`,
    hasStruck: () => relay.hasStruck,
    clientGone: () => Promise.all(relay.clients.map(goneOf)),
    close: () => relay.close(),
  }
}

function goneOf(socket: Socket): Promise<void> {
  if (socket.readableEnded || socket.closed) return Promise.resolve()
  return new Promise((resolve) => {
    socket.once('end', resolve)
    socket.once('close', () => resolve())
  })
}

class Relay {
  hasStruck = false
  readonly clients: Socket[] = []
  readonly #servers: Socket[] = []
  readonly #options: FaultyProxyOptions
  readonly #wire: Server
  readonly #entrance: Server
  readonly #open = new Set<Socket>()
  /** What leads from the entrance to a client, by the port of that connection at the wire. */
  readonly #toClient = new Map<number | undefined, Gate>()

  constructor(options: FaultyProxyOptions) {
    this.#options = options
    this.#wire = createServer({ allowHalfOpen: true, noDelay: true }, (client) => this.#onClient(client))
    const { tls, alpn } = options
    const onEntered = (socket: Socket) => this.#onEntered(socket)
    this.#entrance =
      tls === undefined
        ? createServer({ allowHalfOpen: true, noDelay: true }, onEntered)
        : createTlsServer({ ...tls, ALPNProtocols: [...alpn], allowHalfOpen: true, noDelay: true }, onEntered)
    // A handshake that fails is for the client's side to see.
    this.#entrance.on('tlsClientError', () => {})
    this.#entrance.on('connection', (socket: Socket) => this.#track(socket))
  }

  async listen(): Promise<number> {
    for (const server of [this.#wire, this.#entrance]) {
      await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    }
    return portOf(this.#wire)
  }

  async close(): Promise<void> {
    for (const socket of this.#open) socket.destroy()
    for (const server of [this.#wire, this.#entrance]) await new Promise((resolve) => server.close(resolve))
  }

  #onClient(client: Socket): void {
    const { place, tls, fault } = this.#options
    this.clients.push(this.#track(client))
    const entrance = this.#connect(portOf(this.#entrance))
    const corruptAt = tls === undefined ? 0 : WITHIN_RECORD
    const down = new Gate(entrance, client, corruptAt)
    const up = new Gate(client, entrance, corruptAt)
    entrance.once('connect', () => this.#toClient.set(entrance.localPort, down))
    if (place.on === 'tls' && tls !== undefined) {
      down.watch(
        (said) => (said.length < WITHIN_TLS ? undefined : WITHIN_TLS),
        () => this.#strike(fault, down),
      )
    } else if (place.on === 'connection') {
      this.#strike(fault, up)
      // One byte is enough.
      if (fault !== 'corrupt') this.#strike(fault, down)
    }
  }

  #onEntered(socket: Socket): void {
    this.#track(socket)
    const { place, fault } = this.#options
    const server = this.#connect(this.#options.target)
    this.#servers.push(server)
    const up = new Gate(socket, server, 0)
    const down = new Gate(server, socket, 0)
    if (place.on === 'up') up.watch(place.find, () => this.#strike(fault, up))
    if (place.on === 'down') {
      down.watch(place.find, async () => {
        // What was said before has to have passed the wire. Timers may come before reads, so one turn more is waited
        // for.
        await later(10)
        await setImmediate()
        const gate = this.#toClient.get(socket.remotePort)
        if (gate !== undefined) this.#strike(fault, gate)
      })
    }
  }

  #strike(fault: Fault, gate: Gate): void {
    this.hasStruck = true
    gate.harm(fault)
    if (fault === 'reset') for (const socket of [...this.clients, ...this.#servers]) socket.resetAndDestroy()
  }

  #connect(port: number): Socket {
    return this.#track(connect({ port, host: '127.0.0.1', allowHalfOpen: true, noDelay: true }))
  }

  #track(socket: Socket): Socket {
    this.#open.add(socket)
    socket.on('error', () => {})
    socket.on('close', () => this.#open.delete(socket))
    return socket
  }
}

function portOf(server: Server): number {
  return (server.address() as AddressInfo).port
}

/** One direction between two sockets. What arrives leaves in turn, ends included. */
class Gate {
  readonly #to: Socket
  readonly #corruptAt: number
  #turn = Promise.resolve()
  #said = Buffer.alloc(0)
  #find: ((said: Buffer) => number | undefined) | undefined
  #strike: () => Promise<void> | void = () => {}
  #isShut = false
  #toChop = 0
  #corruptsNext = false
  #delay = 0

  constructor(from: Socket, to: Socket, corruptAt: number) {
    this.#to = to
    this.#corruptAt = corruptAt
    from.on('data', (bytes: Buffer) => this.#next(() => this.#take(bytes)))
    from.on('end', () => this.#next(() => to.end()))
    from.on('close', (hadError) => hadError && this.#next(() => to.destroy()))
  }

  /** Calls `strike` once the place is found, before anything behind it leaves. */
  watch(find: (said: Buffer) => number | undefined, strike: () => Promise<void> | void): void {
    this.#find = find
    this.#strike = strike
  }

  harm(fault: Fault): void {
    if (fault === 'delay') this.#delay = DELAY
    else if (fault === 'chop') this.#toChop = CHOPPED
    else if (fault === 'corrupt') this.#corruptsNext = true
    else {
      this.#isShut = true
      if (fault === 'half-close') this.#to.end()
    }
  }

  #next(step: () => unknown): void {
    this.#turn = this.#turn.then(async () => {
      if (!this.#isShut) await step()
    })
  }

  async #take(bytes: Buffer): Promise<void> {
    if (this.#find === undefined) return await this.#pass(bytes)
    const before = this.#said.length
    this.#said = Buffer.concat([this.#said, bytes])
    const place = this.#find(this.#said)
    if (place === undefined || place > this.#said.length) return await this.#pass(bytes)
    this.#find = undefined
    await this.#pass(bytes.subarray(0, place - before))
    await this.#strike()
    await this.#pass(bytes.subarray(place - before))
  }

  async #pass(bytes: Buffer): Promise<void> {
    if (bytes.length === 0 || this.#isShut) return
    if (this.#delay > 0) await later(this.#delay)
    this.#delay = 0
    if (this.#corruptsNext) bytes[Math.min(this.#corruptAt, bytes.length - 1)]! ^= 0x80
    this.#corruptsNext = false
    const chopped = Math.min(this.#toChop, bytes.length)
    this.#toChop -= chopped
    for (let at = 0; at < chopped; at++) {
      this.#to.write(bytes.subarray(at, at + 1))
      await setImmediate()
    }
    this.#to.write(bytes.subarray(chopped))
  }
}
