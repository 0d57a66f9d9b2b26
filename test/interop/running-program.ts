/** A server that runs in the foreground as a child of the tests. */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { connect } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'

export interface Command {
  readonly path: string
  readonly args: readonly string[]
}

/** How often to look again. */
const LOOK_EVERY = 10
const STARTS_WITHIN = 10_000
const STOPS_WITHIN = 5000
/** How much of what a program writes is kept. */
const MAX_OUTPUT = 65_536

export class RunningProgram {
  readonly command: Command
  readonly #child: ChildProcess
  /** Settles once the program, all that it has started, and its output are over. */
  readonly #closed: Promise<void>
  #output = ''
  #isOver = false

  constructor(command: Command) {
    this.command = command
    // Should the tests be killed, the kernel ends the program.
    const args = ['--pdeathsig', 'TERM', command.path, ...command.args]
    this.#child = spawn('setpriv', args, { stdio: ['ignore', 'pipe', 'pipe'] })
    this.#child.stdout?.on('data', this.#keep)
    this.#child.stderr?.on('data', this.#keep)
    this.#child.on('error', (error) => this.#keep(Buffer.from(error.message)))
    this.#closed = new Promise<void>((resolve) => this.#child.once('close', () => resolve())).then(() => {
      this.#isOver = true
    })
  }

  get pid(): number {
    return this.#child.pid!
  }

  /** What it wrote last to stdout and stderr. */
  get output(): string {
    return this.#output
  }

  signal(name: NodeJS.Signals): void {
    this.#child.kill(name)
  }

  /** Waits until it accepts connections on all ports; fails if it ends before. */
  async accepts(ports: readonly number[]): Promise<void> {
    await this.until('it accepts connections', async () => {
      const accepted = await Promise.all(ports.map(isAccepting))
      return accepted.every(Boolean)
    })
  }

  /** Waits for a condition; fails, with what the program wrote, when it ends or takes too long. */
  async until(what: string, holds: () => boolean | Promise<boolean>): Promise<void> {
    for (const end = performance.now() + STARTS_WITHIN; !(await holds()); await sleep(LOOK_EVERY)) {
      if (this.#isOver) throw this.#failure(`ended before ${what}`)
      if (performance.now() > end) throw this.#failure(`was given ${STARTS_WITHIN} ms until ${what}`)
    }
  }

  /** Ends it; fails when it, or a process that it has started, has to be killed. */
  async stop(): Promise<void> {
    if (this.#isOver) return
    this.signal('SIGTERM')
    const timer = new AbortController()
    const late = sleep(STOPS_WITHIN, 'late', { signal: timer.signal }).catch(() => {})
    const first = await Promise.race([this.#closed, late])
    timer.abort()
    if (first !== 'late') return
    this.signal('SIGKILL')
    throw this.#failure(`was still there ${STOPS_WITHIN} ms after SIGTERM`)
  }

  readonly #keep = (bytes: Buffer): void => {
    this.#output = (this.#output + bytes.toString()).slice(-MAX_OUTPUT)
  }

  #failure(what: string): Error {
    return new Error(`${this.command.path} ${what}. It wrote:\n${this.#output}`)
  }
}

async function isAccepting(port: number): Promise<boolean> {
  const socket = connect(port, '127.0.0.1')
  try {
    await once(socket, 'connect')
    return true
  } catch {
    return false
  } finally {
    socket.destroy()
  }
}
