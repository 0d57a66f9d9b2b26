/** A place for one socket, which is opened again whenever it has ended. */
import { type ClientWebSocket, type ClientWebSocketOptions, connect, HandshakeError } from 'hawser'
import { type Acts, type End, type Ends, Life, type Report } from './life.ts'
import type { Pace } from './pace.ts'
import { Random } from './random.ts'

export type Kind = 'http1' | 'http2' | 'workerd tcp' | 'workerd fetch'

export interface SlotOptions {
  readonly kind: Kind
  /** ws://127.0.0.1:port */
  readonly url: string
  /** Says which slot it is; unlike those of all others. */
  readonly name: string
  readonly number: number
  readonly seed: string
  readonly pace: Pace
  report(report: Report): void
  /** Of a handshake: it was cancelled, or will be tried again. */
  retried(): void
}

const ACTS: Acts = { message: 700, burst: 60, stream: 100, ping: 100 }
const ENDS: Ends = { cut: 12, end: 12, 'server closes': 20, close: 20, 'close at rest': 16, abort: 12, abandon: 8 }
/** `mostActs`: of one socket. A round of workerd is short, and so are lives in it. */
const HABITS: Readonly<Record<Kind, { readonly acts: Acts; readonly ends: Ends; readonly mostActs: number }>> = {
  http1: { acts: ACTS, ends: ENDS, mostActs: 30 },
  http2: { acts: { ...ACTS, away: 1 }, ends: { ...ENDS, reset: 14, sever: 0.3 }, mostActs: 30 },
  'workerd tcp': { acts: ACTS, ends: ENDS, mostActs: 5 },
  // What the runtime frames has no Ping.
  'workerd fetch': { acts: { message: 700, burst: 60, stream: 100 }, ends: ENDS, mostActs: 5 },
}
const TRANSPORTS: Readonly<Record<Kind, ClientWebSocketOptions>> = {
  http1: {},
  http2: { httpVersion: '2', httpVersionPolicy: 'exact' },
  'workerd tcp': { transport: 'tcp' },
  'workerd fetch': { transport: 'fetch' },
}
/** Milliseconds between two acts, at most. */
const LONGEST_PAUSE = 2400
const OPENING_SPREAD = 2000
const RETRY_WITHIN = 500
const MOST_RETRIES = 50
const CANCELLED = new Error('The handshake was cancelled.')

/** Milliseconds for the closing handshake: what is behind a wait on a machine with much else to do is no fault. */
const CLOSE_TIMEOUT = 30_000

/** A third of the slots compress, in different ways, and always the same ones: so that memory can be compared. */
function optionsOf({ kind, number }: SlotOptions): ClientWebSocketOptions {
  const transport = { ...TRANSPORTS[kind], closeTimeout: CLOSE_TIMEOUT }
  if (number % 3 !== 0) return transport
  if (kind === 'workerd fetch') return { ...transport, perMessageDeflate: true }
  const parameters = { clientContextTakeover: false, serverContextTakeover: false, threshold: 0 }
  return { ...transport, perMessageDeflate: number % 4 === 0 ? parameters : true }
}

export class Slot {
  readonly #options: SlotOptions
  readonly #random: Random
  readonly #socketOptions: ClientWebSocketOptions
  #lives = 0

  constructor(options: SlotOptions) {
    this.#options = options
    this.#random = new Random(`${options.seed} ${options.name}`)
    this.#socketOptions = optionsOf(options)
  }

  /** Opens sockets and ends them until the pace says to end. */
  async run(): Promise<void> {
    const { pace, report } = this.#options
    await pace.sleep(this.#random.below(OPENING_SPREAD))
    while (!pace.isEnding) report(await this.#live())
  }

  async #live(): Promise<Report> {
    const { pace, kind } = this.#options
    const { acts, ends, mostActs } = HABITS[kind]
    const { id, ws } = await this.#open()
    const life = new Life(id, ws, new Random(`${this.#options.seed} ${id}`), pace)
    let left = 1 + this.#random.below(mostActs)
    while (left > 0 && !pace.isEnding && !life.isOver) {
      if (pace.isResting) {
        await life.rest()
        if (!life.isOver) await pace.park()
      } else {
        left--
        await life.act(acts)
        await pace.sleep(this.#random.below(LONGEST_PAUSE))
      }
    }
    const end = this.#random.pick<End>(ends)
    return life.end(pace.isEnding ? 'close at rest' : end)
  }

  async #open(): Promise<{ readonly id: string; readonly ws: ClientWebSocket }> {
    for (let tries = 0; ; tries++) {
      const id = `${this.#options.name}-${++this.#lives}`
      try {
        return { id, ws: await this.#connect(id) }
      } catch (error) {
        if (!this.#maySay(error) || tries === MOST_RETRIES) throw error
        this.#options.retried()
        await this.#options.pace.sleep(this.#random.below(RETRY_WITHIN))
      }
    }
  }

  /** A connection of HTTP/2 that is cut by Node resets the streams on it first. */
  #maySay(error: unknown): boolean {
    if (error === CANCELLED) return true
    if (!(error instanceof HandshakeError)) return false
    return error.retriable || (this.#options.kind === 'http2' && error.code === 'STREAM_RESET')
  }

  /** Some are cancelled while they open. */
  async #connect(id: string): Promise<ClientWebSocket> {
    const url = `${this.#options.url}/soak?id=${id}`
    if (!this.#random.chance(0.03)) return connect(url, this.#socketOptions)
    const controller = new AbortController()
    const timer = setTimeout(() => controller.abort(CANCELLED), this.#random.below(10))
    try {
      return await connect(url, { ...this.#socketOptions, signal: controller.signal })
    } finally {
      clearTimeout(timer)
    }
  }
}
