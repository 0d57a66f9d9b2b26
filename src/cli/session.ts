import type { ClientWebSocket } from '../index.ts'
import type { ConnectCommand } from './arguments.ts'
import { ExitCode } from './exit-codes.ts'
import { Interrupted } from './failures.ts'
import { type Style, styleFor } from './style.ts'

const SIGNALS = ['SIGINT', 'SIGTERM'] as const

/** One run of the command against one server, and how it is interrupted. */
export class Session {
  readonly socket: ClientWebSocket
  readonly command: ConnectCommand
  readonly io: NodeJS.Process
  /** For stderr. */
  readonly style: Style
  isInterrupted = false

  constructor(socket: ClientWebSocket, command: ConnectCommand, io: NodeJS.Process) {
    this.socket = socket
    this.command = command
    this.io = io
    this.style = styleFor(io.stderr, io.env)
    for (const signal of SIGNALS) io.on(signal, this.interrupt)
  }

  /** Closes; the second time it ends the process, whatever that is waiting for. */
  readonly interrupt = (): void => {
    if (this.isInterrupted) this.io.exit(ExitCode.interrupted)
    this.isInterrupted = true
    if (this.socket.state === 'connecting') this.socket.abort(new Interrupted())
    // It fails only before there is a connection, and then there is nothing to close.
    else this.socket.close().catch(() => {})
  }

  /** Signals have their usual effect again. */
  end(): void {
    for (const signal of SIGNALS) this.io.off(signal, this.interrupt)
  }
}
