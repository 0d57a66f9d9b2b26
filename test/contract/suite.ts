/**
 * What every transport has to do, in every runtime: one suite, which knows neither the transport nor the test runner.
 * What it needs of both, the harness and the runner give it.
 */
import type { Cancellable, ClientWebSocket, ClientWebSocketOptions, HttpVersion, TransportName } from 'hawser'
import type { Capabilities } from './capabilities.ts'
import { closing } from './closing.ts'
import { ending } from './ending.ts'
import { messages } from './messages.ts'
import { opening } from './opening.ts'
import { pings } from './pings.ts'

/** One transport, and servers for it. */
export interface Harness {
  /** A socket that connects by the transport. */
  create(options?: ClientWebSocketOptions): ClientWebSocket
  readonly transport: TransportName
  readonly httpVersion: HttpVersion
  readonly can: Capabilities
  /** The URL of the server of `test/support/websocket-server.ts`, without a path. */
  readonly server: string
  /** The URL of the server of `peer.ts`, without a path. */
  readonly peer: string
  /** Ends the servers, if they are the harness's own. */
  close?(): Promise<void>
}

/** As much of a test runner as is needed. */
export interface Runner {
  describe(name: string, define: () => void): unknown
  test(name: string, run: () => Promise<void>): unknown
  beforeAll(run: () => Promise<void>): unknown
  afterAll(run: () => Promise<void>): unknown
}

/** A frame that the peer has seen; the payload is unmasked, in hexadecimal. */
export interface SeenFrame {
  readonly opcode: number
  readonly masked: boolean
  readonly payload: string
}

/** What a case has to do with. All sockets are aborted when it is over. */
export interface Context {
  readonly harness: Harness
  create(options?: ClientWebSocketOptions): ClientWebSocket
  /** Opens a socket to a path of the server. */
  open(path: string, options?: ClientWebSocketOptions & Cancellable): Promise<ClientWebSocket>
  /** Opens a socket to a path of the peer, which can be asked what it has seen. */
  openPeer(path: string, options?: ClientWebSocketOptions): Promise<Peered>
}

export interface Peered {
  readonly socket: ClientWebSocket
  /** What the peer has seen. Waits until it is through with what its path says. */
  seen(): Promise<readonly SeenFrame[]>
}

export type Case = (context: Context) => Promise<void>

/** By what they show. */
export type Cases = Readonly<Record<string, Case>>

/** All cases there are. */
export const GROUPS: Readonly<Record<string, Cases>> = { opening, messages, pings, closing, ending }

/** Defines the tests of one transport. */
export function contract(name: string, start: () => Promise<Harness>, runner: Runner): void {
  runner.describe(name, () => {
    let harness: Harness
    runner.beforeAll(async () => {
      harness = await start()
    })
    runner.afterAll(async () => harness.close?.())
    for (const [group, cases] of Object.entries(GROUPS)) {
      runner.describe(group, () => {
        for (const [what, run] of Object.entries(cases)) runner.test(what, () => runCase(harness, run))
      })
    }
  })
}

/** Runs one case, and leaves no socket. */
export async function runCase(harness: Harness, run: Case): Promise<void> {
  const sockets: ClientWebSocket[] = []
  const create = (options?: ClientWebSocketOptions) => {
    const socket = harness.create(options)
    sockets.push(socket)
    return socket
  }
  const connect = async (url: string, { signal, ...options }: ClientWebSocketOptions & Cancellable = {}) => {
    const socket = create(options)
    await socket.connect(url, { signal })
    return socket
  }
  const openPeer = async (path: string, options?: ClientWebSocketOptions) => {
    const id = crypto.randomUUID()
    const url = new URL(path, harness.peer)
    url.searchParams.set('id', id)
    const socket = await connect(url.href, options)
    return { socket, seen: async () => reportOf(await connect(`${harness.peer}/report?id=${id}`)) }
  }
  try {
    await run({ harness, create, open: (path, options) => connect(harness.server + path, options), openPeer })
  } finally {
    for (const socket of sockets) socket.abort()
  }
}

async function reportOf(socket: ClientWebSocket): Promise<SeenFrame[]> {
  return JSON.parse(String(await socket.receive()))
}
