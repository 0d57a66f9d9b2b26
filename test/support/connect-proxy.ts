/**
 * Proxies on the loopback: one that opens tunnels by CONNECT (RFC 9110 §9.3.6), and one that speaks SOCKS 5 (RFC 1928).
 */
import { once } from 'node:events'
import {
  createServer as createHttpServer,
  type Server as HttpServer,
  type IncomingMessage,
  STATUS_CODES,
} from 'node:http'
import { createServer as createHttpsServer } from 'node:https'
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net'
import { type Duplex, pipeline } from 'node:stream'
import type { Certificate } from './certificates.ts'

export interface ProxyOptions {
  /**
   * The user that must authenticate: by Basic (RFC 7617), or by name and password (RFC 1929). Default: nobody has to.
   */
  readonly user?: { readonly name: string; readonly password: string }
  /** Takes the request and never answers it. */
  readonly silent?: boolean
}

export interface ConnectProxyOptions extends ProxyOptions {
  /** Makes it an https: proxy. */
  readonly tls?: Certificate
  /** Refuses every tunnel with this status. */
  readonly status?: number
}

export interface RunningProxy extends AsyncDisposable {
  /** With the scheme, without userinfo. */
  readonly url: string
  /** The host:port of each tunnel that was asked for, refused ones included, in order. */
  readonly targets: readonly string[]
  /** How many connections are open now, those to the targets included. */
  open(): number
  /** Cuts all connections. */
  close(): Promise<void>
}

export async function startConnectProxy(options: ConnectProxyOptions = {}): Promise<RunningProxy> {
  const { tls } = options
  const server: HttpServer = tls === undefined ? createHttpServer() : createHttpsServer({ ...tls })
  return run(server, tls === undefined ? 'http://127.0.0.1' : 'https://localhost', (proxy) => {
    // A request that is not for a tunnel.
    server.on('request', (_request, response) => response.writeHead(405).end())
    server.on('connect', (request: IncomingMessage, client: Duplex, head: Buffer) => {
      proxy.targets.push(request.url ?? '')
      if (options.silent) {
        ignore(client)
        return
      }
      const status = options.status ?? (isAuthenticated(request, options) ? 200 : 407)
      if (status === 200) openTunnel(request, client, head, proxy)
      else client.end(refusal(status))
    })
  })
}

function isAuthenticated({ headers }: IncomingMessage, { user }: ProxyOptions): boolean {
  if (user === undefined) return true
  const expected = Buffer.from(`${user.name}:${user.password}`).toString('base64')
  return headers['proxy-authorization'] === `Basic ${expected}`
}

function refusal(status: number): string {
  const challenge = status === 407 ? 'Proxy-Authenticate: Basic realm="test"\r\n' : ''
  return `HTTP/1.1 ${status} ${STATUS_CODES[status]}\r\n${challenge}Content-Length: 0\r\n\r\n`
}

function openTunnel({ url }: IncomingMessage, client: Duplex, head: Buffer, proxy: Proxy): void {
  const { hostname, port } = new URL(`http://${url}`)
  const target = proxy.track(connect(Number(port || 80), hostname))
  target.once('connect', () => {
    client.write('HTTP/1.1 200 Connection Established\r\n\r\n')
    target.write(head)
    join(client, target)
  })
  target.once('error', () => client.end(refusal(502)))
}

/** Each side is ended or cut when the other is. */
function join(client: Duplex, target: Duplex): void {
  pipeline(client, target, client, () => {})
}

/** Waits for the client to go. */
function ignore(client: Duplex): void {
  client.resume().once('end', () => client.end())
}

interface Proxy {
  readonly targets: string[]
  track<S extends Socket>(socket: S): S
}

async function run(server: Server, origin: string, start: (proxy: Proxy) => void): Promise<RunningProxy> {
  const targets: string[] = []
  const sockets = new Set<Socket>()
  const track = <S extends Socket>(socket: S): S => {
    sockets.add(socket.on('error', () => {}))
    socket.once('close', () => sockets.delete(socket))
    return socket
  }
  server.on('connection', track)
  start({ targets, track })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const close = async () => {
    for (const socket of sockets) socket.destroy()
    await new Promise((resolve) => server.close(resolve))
  }
  const url = `${origin}:${(server.address() as AddressInfo).port}`
  return { url, targets, open: () => sockets.size, close, [Symbol.asyncDispose]: close }
}

/** Takes names of hosts and IPv4 addresses. */
export async function startSocksProxy(options: ProxyOptions = {}): Promise<RunningProxy> {
  const server = createServer()
  return run(server, 'socks5://127.0.0.1', (proxy) => {
    server.on('connection', (client) => {
      // It fails when the client is gone, and that is for the client's tests to see.
      serveSocks(client, proxy, options).catch(() => client.destroy())
    })
  })
}

const VERSION = 5
const NO_AUTHENTICATION = 0
const NAME_AND_PASSWORD = 2
const NO_ACCEPTABLE_METHOD = 0xff
const DOMAIN_NAME = 3
const SUCCEEDED = 0
const CONNECTION_REFUSED = 5

async function serveSocks(client: Socket, proxy: Proxy, { user, silent }: ProxyOptions): Promise<void> {
  const methods = await readExactly(client, (await readExactly(client, 2))[1]!)
  const method = user === undefined ? NO_AUTHENTICATION : NAME_AND_PASSWORD
  const accepted = methods.includes(method)
  client.write(Buffer.of(VERSION, accepted ? method : NO_ACCEPTABLE_METHOD))
  if (!accepted || (user !== undefined && !(await authenticate(client, user)))) {
    client.end()
    return
  }
  const { host, port } = await readTarget(client)
  proxy.targets.push(`${host}:${port}`)
  if (silent) {
    ignore(client)
    return
  }
  const reply = (code: number) => client.write(Buffer.of(VERSION, code, 0, 1, 0, 0, 0, 0, 0, 0))
  const target = proxy.track(connect(port, host))
  target.once('error', () => reply(CONNECTION_REFUSED))
  target.once('connect', () => {
    reply(SUCCEEDED)
    join(client, target)
  })
}

async function authenticate(client: Socket, user: { name: string; password: string }): Promise<boolean> {
  const name = await readExactly(client, (await readExactly(client, 2))[1]!)
  const password = await readExactly(client, (await readExactly(client, 1))[0]!)
  const accepted = name.toString() === user.name && password.toString() === user.password
  client.write(Buffer.of(1, accepted ? 0 : 1))
  return accepted
}

async function readTarget(client: Socket): Promise<{ host: string; port: number }> {
  const type = (await readExactly(client, 4))[3]
  const byName = type === DOMAIN_NAME
  const address = await readExactly(client, byName ? (await readExactly(client, 1))[0]! : 4)
  const port = (await readExactly(client, 2)).readUInt16BE()
  return { host: byName ? address.toString() : address.join('.'), port }
}

async function readExactly(socket: Socket, length: number): Promise<Buffer> {
  for (;;) {
    const bytes: Buffer | null = socket.read(length)
    if (bytes !== null) return bytes
    if (socket.readableEnded) throw new Error('The client has ended the connection')
    await once(socket, 'readable')
  }
}
