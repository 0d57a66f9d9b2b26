/** The processes of the soak, as their parent sees them. */
import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import type { Figures, FromClient, ToClient } from './client.ts'
import type { Ledger } from './ledger.ts'
import type { FromServer } from './server.ts'

/** Milliseconds for all to come to rest; more than anything of theirs may take. */
const RESTS_WITHIN = 120_000
/** For a process that has nothing more to do. */
const EXITS_WITHIN = 5000
const OPEN_WITHIN = 20_000
const LOOK_AGAIN = 100

const path = (name: string) => fileURLToPath(new URL(name, import.meta.url))

export class Server {
  readonly #process: ChildProcess
  readonly ports: { readonly http1: number; readonly http2: number }

  private constructor(process: ChildProcess, ports: { readonly http1: number; readonly http2: number }) {
    this.#process = process
    this.ports = ports
  }

  static async start(ledger: Ledger): Promise<Server> {
    const process = fork(path('server.ts'), { serialization: 'advanced' })
    process.on('message', (message: FromServer) => {
      if (message.type === 'record') ledger.record(message.record)
    })
    const [ports] = (await once(process, 'message')) as [FromServer]
    if (ports.type !== 'ports') throw new Error('The server does not say its ports.')
    return new Server(process, ports)
  }

  /** Waits until no socket is open there, but not for ever; gives how many are. */
  async allOver(): Promise<number> {
    for (const end = performance.now() + OPEN_WITHIN; ; await sleep(LOOK_AGAIN)) {
      const sockets = await this.#open()
      if (sockets === 0 || performance.now() > end) return sockets
    }
  }

  #open(): Promise<number> {
    return new Promise((resolve) => {
      const onMessage = (message: FromServer) => {
        if (message.type !== 'open') return
        this.#process.off('message', onMessage)
        resolve(message.sockets)
      }
      this.#process.on('message', onMessage)
      this.#process.send('open')
    })
  }

  close(): void {
    this.#process.kill()
  }
}

export class Client {
  readonly kind: 'http1' | 'http2'
  readonly sockets: number
  readonly #process: ChildProcess
  /** It may only come after `end`. */
  readonly #exit: Promise<[code: number | null, signal: string | null]>

  constructor(kind: 'http1' | 'http2', sockets: number, seed: string, url: string, ledger: Ledger) {
    this.kind = kind
    this.sockets = sockets
    const execArgv = [
      '--import',
      path('../../test/support/from-source.ts'),
      '--expose-gc',
      '--disable-warning=ExperimentalWarning',
    ]
    const args = [kind, url, `${sockets}`, seed]
    this.#process = fork(path('client.ts'), args, { execArgv, serialization: 'advanced' })
    this.#process.on('message', (message: FromClient) => {
      if (message.type === 'report') ledger.report(message.report)
      if (message.type === 'retried') ledger.retries++
    })
    this.#exit = once(this.#process, 'exit') as Promise<[number | null, string | null]>
  }

  /** All sockets are open and nothing is under way; gives what is measured then. */
  rest(): Promise<Figures> {
    return this.#command('rest', 'figures')
  }

  goOn(): void {
    this.#process.send('go on' satisfies ToClient, () => {})
  }

  /** To be called at rest. Closes all sockets; gives what is left then, and whether the process ends by itself. */
  async end(): Promise<{ readonly left: Figures; readonly exits: boolean }> {
    const left = await this.#command('end', 'ended')
    const exits = await Promise.race([this.#exit.then(([code]) => code === 0), sleep(EXITS_WITHIN, false)])
    this.#process.kill()
    return { left, exits }
  }

  kill(): void {
    this.#process.kill()
  }

  async #command(command: ToClient, answer: 'figures' | 'ended'): Promise<Figures> {
    const controller = new AbortController()
    const { signal } = controller
    const answered = new Promise<Figures>((resolve) => {
      const onMessage = (message: FromClient) => {
        if (message.type === answer) resolve(message.figures)
      }
      this.#process.on('message', onMessage)
      signal.addEventListener('abort', () => this.#process.off('message', onMessage))
    })
    const gone = this.#exit.then(([code, killed]) => {
      throw new Error(`The client of ${this.kind} has ended with ${code ?? killed}.`)
    })
    const late = sleep(RESTS_WITHIN, undefined, { signal }).then(() => {
      throw new Error(`The client of ${this.kind} does not come to rest.`)
    })
    late.catch(() => {})
    gone.catch(() => {})
    // Whether it is still there is told by its exit.
    this.#process.send(command, () => {})
    try {
      return await Promise.race([answered, gone, late])
    } finally {
      controller.abort()
    }
  }
}
