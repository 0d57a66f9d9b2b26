/** A gateway that runs, with the backend behind it. */
import { type ClientWebSocket, type ClientWebSocketOptions, connect } from '../../src/index.ts'
import { type RunningServer, startWebSocketServer } from '../support/websocket-server.ts'
import { connectionsTo } from './connections.ts'
import type { GatewayProgram } from './gateways.ts'
import type { RunningProgram } from './running-program.ts'
import { type Deployment, deploy } from './site.ts'
import { optionsFor, type Way } from './ways.ts'

export class Gateway {
  readonly backend: RunningServer
  readonly #kind: GatewayProgram
  readonly #deployment: Deployment
  readonly #programs: RunningProgram[]
  readonly #sockets: ClientWebSocket[] = []

  static async start(kind: GatewayProgram): Promise<Gateway> {
    const backend = await startWebSocketServer()
    try {
      const ports = ({ tlsPort, clearPort }: Deployment['site']) => [tlsPort, clearPort]
      return new Gateway(kind, backend, await deploy(backend.port, kind.commandFor, ports))
    } catch (error) {
      await backend.close()
      throw error
    }
  }

  private constructor(kind: GatewayProgram, backend: RunningServer, deployment: Deployment) {
    this.#kind = kind
    this.backend = backend
    this.#deployment = deployment
    this.#programs = [deployment.program]
  }

  get ca(): string {
    return this.#deployment.ca
  }

  /** Where a scheme leads, without a path. */
  url(scheme: 'ws' | 'wss'): string {
    const { tlsPort, clearPort } = this.#deployment.site
    return scheme === 'wss' ? `wss://localhost:${tlsPort}` : `ws://localhost:${clearPort}`
  }

  /** Connects by one way; the socket is aborted with `release`. */
  open(way: Way, path: string, options: ClientWebSocketOptions = {}): Promise<ClientWebSocket> {
    return this.openWith(way.scheme, path, { ...optionsFor(way, this.ca), ...options })
  }

  async openWith(scheme: 'ws' | 'wss', path: string, options: ClientWebSocketOptions): Promise<ClientWebSocket> {
    const socket = await connect(this.url(scheme) + path, options)
    this.#sockets.push(socket)
    return socket
  }

  /** How many TCP connections lead to it. */
  connections(scheme: 'ws' | 'wss'): Promise<number> {
    return connectionsTo(Number(new URL(this.url(scheme)).port))
  }

  async reload(): Promise<void> {
    this.#programs.push(await this.#kind.reload(this.#programs.at(-1)!, this.#deployment.site))
  }

  /** Ends what stands in front of the backend; leaves that and the sockets alone. */
  async shutDown(): Promise<void> {
    await Promise.all([...new Set(this.#programs)].map((program) => program.stop()))
  }

  /** Aborts all sockets. */
  release(): void {
    for (const socket of this.#sockets.splice(0)) socket.abort()
  }

  async stop(): Promise<void> {
    this.release()
    await this.shutDown()
    await this.#deployment.remove()
    await this.backend.close()
  }
}
