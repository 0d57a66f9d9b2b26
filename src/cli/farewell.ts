import { type ClientWebSocket, ConnectionClosedError } from '../index.ts'

type Socket = Pick<ClientWebSocket, 'state' | 'closeOutput' | 'abort'>

/** How long, in milliseconds, the server may be silent after our Close frame. */
const CLOSE_LIMIT = 10_000

/**
 * Ends a conversation once we have nothing more to say.
 *
 * A Close frame right behind the last message would cost us the answer of every server that does not answer at once:
 * its library takes note of the close, and lets it send nothing more. So the farewell waits until the server has been
 * silent for a while, closes our direction, and gives the server some time to close its own. Time in which we do not
 * read is no silence.
 */
export class Farewell {
  readonly #socket: Socket
  /** What to do after a silence of so many milliseconds. */
  #next: { readonly silence: number; readonly action: () => void } | undefined
  #isReading = true
  #isOver = false
  #timer: NodeJS.Timeout | undefined

  constructor(socket: Socket) {
    this.#socket = socket
  }

  /** We have said everything. `wait` is the silence after which to close, in milliseconds. */
  begin(wait: number): void {
    this.#next = { silence: wait, action: this.#close }
    this.#arm()
  }

  /** Something has come, and is being dealt with. */
  busy(): void {
    this.#isReading = false
    clearTimeout(this.#timer)
  }

  /** We wait for the server again. */
  reading(): void {
    this.#isReading = true
    this.#arm()
  }

  /** The conversation is over. */
  stop(): void {
    this.#isOver = true
    clearTimeout(this.#timer)
  }

  #arm(): void {
    clearTimeout(this.#timer)
    if (this.#next === undefined || this.#next.silence === Infinity || !this.#isReading || this.#isOver) return
    this.#timer = setTimeout(this.#next.action, this.#next.silence)
  }

  readonly #close = (): void => {
    if (this.#socket.state !== 'open') return
    // Should it fail, whoever reads is told.
    this.#socket.closeOutput().catch(() => {})
    this.#next = { silence: CLOSE_LIMIT, action: this.#giveUp }
    this.#arm()
  }

  readonly #giveUp = (): void => {
    this.#socket.abort(new ConnectionClosedError(`The server did not close within ${CLOSE_LIMIT / 1000} s.`))
  }
}
