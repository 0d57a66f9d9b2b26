import type { ClientHttp2Session } from 'node:http2'

/** How often a window that is used up is looked at while no turn ends by itself, in milliseconds. */
const LOOK_AGAIN = 10

/** A stream that has something to send. */
export interface TurnTaker {
  /** Returns how many bytes it has sent. */
  takeTurn(): number
}

/**
 * Lets the streams of a connection send in turns.
 *
 * Node serves streams that have something to send strictly by their numbers, so that, where the window of the
 * connection is the bottleneck, the first ones would keep all the others waiting. While that window is used up,
 * therefore, streams wait here, and get their turn in the order in which they came. A turn may never end, when the peer
 * does not read that stream: it keeps nobody else waiting.
 */
export class Http2Turns {
  readonly #session: ClientHttp2Session
  readonly #queue = new Set<TurnTaker>()
  /** Turns that have not ended. */
  #given = 0
  /** What is left of the connection's window since it was last looked at, in bytes. */
  #window = 0
  #timer: ReturnType<typeof setTimeout> | undefined

  constructor(session: ClientHttp2Session) {
    this.#session = session
  }

  /** The turn is given when there is one, perhaps at once; `end` is then owed. */
  ask(taker: TurnTaker): void {
    if (this.#queue.size === 0 && this.#mayGive()) {
      this.#give(taker)
      return
    }
    this.#queue.add(taker)
    this.#serve()
  }

  /** Asks no longer. */
  leave(taker: TurnTaker): void {
    this.#queue.delete(taker)
  }

  end(): void {
    this.#given--
    this.#serve()
  }

  #serve(): void {
    for (const taker of this.#queue) {
      if (!this.#mayGive()) break
      this.#queue.delete(taker)
      this.#give(taker)
    }
    // Node does not tell when a window opens; the end of a turn does, unless all that have one are held up by windows
    // of their own.
    if (this.#queue.size > 0) this.#timer ??= setTimeout(this.#onTimer, LOOK_AGAIN).unref()
  }

  readonly #onTimer = (): void => {
    this.#timer = undefined
    this.#serve()
  }

  #give(taker: TurnTaker): void {
    this.#given++
    this.#window -= taker.takeTurn()
  }

  /** One turn at least is given, whose end tells of the window. To look at that costs as much as a turn. */
  #mayGive(): boolean {
    if (this.#given === 0) return true
    if (this.#window <= 0) this.#window = this.#session.state.remoteWindowSize ?? 0
    return this.#window > 0
  }
}
