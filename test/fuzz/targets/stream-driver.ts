/**
 * Any calls of a program and any doings of a server, in any order, over a stream in memory: every promise settles, with a documented
 * error if with one, what was received is a prefix of what was sent, and in the end nothing is left.
 */
import { Arena } from '../../../src/codec/arena.ts'
import { createCompression } from '../../../src/deflate/compression.ts'
import { StreamDriver, type StreamDriverOptions } from '../../../src/driver/stream-driver.ts'
import type { Draw } from '../draw.ts'
import { type Call, Caller, makeCall, OWN_CODE } from '../drivers/calls.ts'
import { Clock } from '../drivers/clock.ts'
import { judgeReceived } from '../drivers/ledger.ts'
import { makePeerStep, Peer, type PeerStep } from '../drivers/peer.ts'
import { PeerStream } from '../drivers/peer-stream.ts'
import { CallersReason, Promises } from '../drivers/promises.ts'
import { CORE, SLABS_IN_MEMORY, TWIN } from '../make/codecs.ts'
import { broken, type Does, same, type Target } from '../target.ts'

type Step =
  | Call
  | PeerStep
  | Does<'deliver' | 'release', { readonly count: number }>
  | { readonly do: 'hold'; readonly holds: boolean }
  | Does<'peer-end' | 'lose' | 'end-turn' | 'turn' | 'wait'>

interface Case {
  readonly codec: 'core' | 'twin'
  readonly threshold: number | undefined
  readonly options: StreamDriverOptions
  readonly steps: readonly Step[]
  readonly ending: 'lose' | 'abort' | 'close' | 'drain'
}

const AGREED = {
  clientMaxWindowBits: 15,
  serverMaxWindowBits: 15,
  clientContextTakeover: false,
  serverContextTakeover: false,
}
const LARGEST = 6000
/** More turns and timers than any end takes. */
const MOST_TURNS = 60

export const streamDriver: Target<Case> = {
  name: 'stream-driver',
  generate: (draw) => {
    const keepsAlive = draw.oneIn(4)
    return {
      codec: draw.pick(['core', 'core', 'twin'] as const),
      threshold: draw.oneIn(8) ? draw.pick([0, 100]) : undefined,
      options: {
        closeTimeout: draw.pick([10_000, 10_000, Infinity]),
        keepAliveInterval: keepsAlive ? 20_000 : Infinity,
        keepAliveTimeout: keepsAlive ? draw.pick([5000, Infinity]) : Infinity,
        highWaterMark: draw.pick([1000, 1, 100_000]),
        allowHalfOpen: draw.oneIn(4),
        maxMessageSize: draw.pick([100_000, 5000, 100]),
        maxFragments: draw.pick([1000, 3]),
      },
      steps: draw.list(14, 60, () => makeStep(draw)),
      ending: draw.pick(['lose', 'abort', 'close', 'drain'] as const),
    }
  },
  check: async (fuzzed) => {
    using clock = new Clock()
    using promises = new Promises()
    const run = new Run(fuzzed, clock, promises)
    for (const step of fuzzed.steps) await run.do(step)
    await run.finish()
    run.judge()
  },
}

function makeStep(draw: Draw): Step {
  const kind = draw.below(16)
  if (kind < 6) return makeCall(draw, LARGEST)
  if (kind < 10) return makePeerStep(draw, LARGEST)
  if (kind < 12) return { do: 'deliver', count: draw.pick([LARGEST * 4, 1, 2, 10, 300]) }
  if (kind === 12) return { do: draw.pick(['end-turn', 'turn'] as const) }
  if (kind === 13) return { do: 'turn' }
  if (kind === 14)
    return draw.oneIn(2) ? { do: 'hold', holds: draw.below(2) === 0 } : { do: 'release', count: draw.below(3) }
  return { do: draw.pick(['turn', 'wait', 'wait', 'peer-end', 'lose'] as const) }
}

class Run {
  readonly #stream = new PeerStream()
  readonly #arena = new Arena(SLABS_IN_MEMORY)
  readonly #clock: Clock
  readonly #promises: Promises
  readonly #peer: Peer
  readonly #driver: StreamDriver
  readonly #caller: Caller
  readonly #ending: Case['ending']
  #isOver = false

  constructor({ ending, codec, threshold, options }: Case, clock: Clock, promises: Promises) {
    this.#ending = ending
    this.#clock = clock
    this.#promises = promises
    this.#peer = new Peer(threshold !== undefined)
    this.#stream.onSent = (bytes) => this.#peer.take(bytes)
    const compression = threshold === undefined ? undefined : createCompression(AGREED, threshold)
    const parts = { codec: codec === 'core' ? CORE : TWIN, arena: this.#arena, nextKey: () => 0x0a0b0c0d, compression }
    this.#driver = new StreamDriver(this.#stream, parts, options)
    this.#driver.over.then(() => {
      this.#isOver = true
    })
    this.#caller = new Caller(this.#driver, promises)
  }

  async do(step: Step): Promise<void> {
    const stream = this.#stream
    if (step.do === 'turn') await this.#turn()
    else if (step.do === 'end-turn') stream.endTurn()
    else if (step.do === 'wait') this.#clock.fireNext()
    else if (step.do === 'deliver') stream.deliver(step.count)
    else if (step.do === 'release') stream.release(step.count)
    else if (step.do === 'hold') stream.holdsWrites = step.holds
    else if (step.do === 'peer-end') stream.peerEnds()
    else if (step.do === 'lose') stream.lose()
    else if (isOfPeer(step)) stream.push(this.#peer.do(step))
    else this.#caller.do(step)
    const { inbox } = this.#driver
    if (inbox.isAwaited && inbox.size > 0) broken('A receive waits though there is a message')
  }

  /** Ends what is left, in one of the ways in which it can; a server that does not answer is cut off. */
  async finish(): Promise<void> {
    const ending = this.#ending
    const stream = this.#stream
    stream.holdsWrites = false
    stream.release(Infinity)
    if (ending === 'abort') this.#driver.abort(new CallersReason())
    if (ending === 'close') this.#caller.do({ do: 'close', isObserved: true })
    await this.#turn()
    if (ending === 'close' || ending === 'drain') {
      stream.push(this.#peer.do({ do: 'peer-close', code: 3002 }))
      stream.peerEnds()
    }
    this.#promises.observeAll()
    for (let turn = 0; turn < MOST_TURNS && !this.#isFinished; turn++) {
      stream.deliver(Infinity)
      if (ending === 'drain') this.#caller.drain()
      if (ending === 'drain' && turn === 3) this.#caller.do({ do: 'close-output', isObserved: true })
      if (turn > 3) this.#clock.fireNext()
      if (turn === (ending === 'lose' ? 0 : MOST_TURNS / 2)) stream.lose()
      await this.#turn()
    }
  }

  get #isFinished(): boolean {
    const isDrained = this.#ending !== 'drain' || this.#caller.isDrained || this.#driver.failure !== undefined
    return this.#isOver && this.#promises.isSettled && isDrained
  }

  judge(): void {
    const { state, bufferedAmount, closeStatus } = this.#driver
    this.#promises.judge()
    same(this.#clock.pending, 0, 'timers that are left')
    same(state === 'closed' || state === 'aborted', true, `whether ${state} is a final state`)
    same(typeof closeStatus, 'number', 'the type of closeStatus')
    same(bufferedAmount, 0, 'bytes that are buffered in the end')
    same(this.#arena.free, SLABS_IN_MEMORY, 'slabs that are free in the end')
    const isDrained = this.#caller.isDrained && !this.#caller.hasGivenUp && state === 'closed'
    judgeReceived(this.#peer.sent, this.#caller.received, { who: 'the client', isAll: isDrained })
    // Our Close frame comes behind all that was sent.
    const isAllSent = this.#peer.clientCode === OWN_CODE
    judgeReceived(this.#caller.sent, this.#peer.received, { who: 'the server', isAll: isAllSent })
  }

  /** Lets everything happen that follows by itself. */
  async #turn(): Promise<void> {
    this.#stream.endTurn()
    await new Promise(setImmediate)
    this.#stream.endTurn()
  }
}

function isOfPeer(step: Call | PeerStep): step is PeerStep {
  return step.do === 'message' || step.do === 'wrong' || step.do.startsWith('peer-')
}
