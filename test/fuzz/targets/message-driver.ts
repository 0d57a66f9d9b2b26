/** As for the stream driver, over a socket that frames by itself: the same promises, the same order, nothing left. */
import { MessageDriver, type MessageDriverOptions } from '../../../src/driver/message-driver.ts'
import type { MessageSocket, MessageSocketSink } from '../../../src/transport/contracts.ts'
import type { Draw } from '../draw.ts'
import { type Call, Caller, makeCall, makeContent, OWN_CODE } from '../drivers/calls.ts'
import { Clock } from '../drivers/clock.ts'
import { contentOf, judgeReceived, type Received, type Sent } from '../drivers/ledger.ts'
import { CallersReason, Promises } from '../drivers/promises.ts'
import { broken, type Does, same, type Target } from '../target.ts'

type Step =
  | Call
  | { readonly do: 'message'; readonly isText: boolean; readonly size: number }
  | { readonly do: 'peer-close'; readonly code: number }
  | Does<'lose' | 'break' | 'turn' | 'wait'>

interface Case {
  readonly options: MessageDriverOptions
  /** How many messages come before anybody listens. */
  readonly early: number
  readonly steps: readonly Step[]
  readonly ending: 'lose' | 'abort' | 'close' | 'drain'
}

const LARGEST = 6000
const MOST_TURNS = 60

export const messageDriver: Target<Case> = {
  name: 'message-driver',
  generate: (draw) => ({
    options: {
      closeTimeout: draw.pick([10_000, 10_000, Infinity]),
      highWaterMark: draw.pick([1000, 1, 100_000]),
      allowHalfOpen: draw.oneIn(4),
      maxMessageSize: draw.pick([100_000, 5000, 100]),
    },
    early: draw.oneIn(4) ? draw.below(3) : 0,
    steps: draw.list(14, 60, () => makeStep(draw)),
    ending: draw.pick(['lose', 'abort', 'close', 'drain'] as const),
  }),
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
  if (kind < 7) return makeCall(draw, LARGEST)
  if (kind < 12)
    return { do: 'message', isText: draw.below(2) === 0, size: draw.length(draw.oneIn(16) ? LARGEST : 200) }
  if (kind < 14) return { do: 'turn' }
  if (kind === 14) return { do: draw.pick(['wait', 'wait', 'lose', 'break'] as const) }
  return { do: 'peer-close', code: draw.pick([1000, 1005, 3002, 1006, 0]) }
}

/** The socket and the server behind it. */
class PeerSocket implements MessageSocket {
  readonly bufferedAmount = 0
  readonly sent: Sent[] = []
  readonly received: Received[] = []
  readonly #early: (string | Uint8Array)[]
  closeCode: number | undefined
  isBroken = false
  /** Nothing more comes. */
  isOver = false
  #isClosed = false
  #isTerminated = false
  #sink: MessageSocketSink | undefined

  constructor(early: number) {
    this.#early = Array.from({ length: early }, (_, i) => this.#make(i % 2 === 0, 10))
  }

  attach(sink: MessageSocketSink): void {
    this.#sink = sink
    for (const message of this.#early) sink.onMessage(message)
  }

  send(message: string | Uint8Array): void {
    if (this.isBroken) throw new Error('The socket is of no more use')
    if (this.#isClosed || this.#isTerminated) broken('A message is sent behind the Close frame')
    this.received.push({ ...contentOf(message), pieces: [contentOf(message).bytes], isComplete: true })
  }

  close(code: number | undefined): void {
    if (this.#isClosed || this.#isTerminated) broken('The socket is closed twice')
    this.#isClosed = true
    this.closeCode = code ?? 1005
  }

  terminate(): void {
    this.#isTerminated = true
  }

  push(isText: boolean, size: number): void {
    if (!this.isOver) this.#tell((sink) => sink.onMessage(this.#make(isText, size)))
  }

  peerCloses(code: number): void {
    if (this.isOver) return
    this.isOver = true
    this.#tell((sink) => sink.onClose(code, 'bye'))
  }

  lose(): void {
    const hasEnded = this.isOver && this.#isClosed
    this.isOver = true
    if (!hasEnded) this.#tell((sink) => sink.onLost(new Error('ECONNRESET')))
    this.#isTerminated = true
  }

  #tell(tell: (sink: MessageSocketSink) => void): void {
    if (!this.#isTerminated) tell(this.#sink!)
  }

  #make(isText: boolean, size: number): string | Uint8Array {
    const message = makeContent(this.sent.length, isText, size)
    const content = contentOf(message)
    this.sent.push({ content: () => content, mayBeMissing: () => false })
    return typeof message === 'string' ? message : new Uint8Array(message)
  }
}

class Run {
  readonly #clock: Clock
  readonly #promises: Promises
  readonly #socket: PeerSocket
  readonly #driver: MessageDriver
  readonly #caller: Caller
  readonly #ending: Case['ending']
  #isOver = false

  constructor({ ending, options, early }: Case, clock: Clock, promises: Promises) {
    this.#ending = ending
    this.#clock = clock
    this.#promises = promises
    this.#socket = new PeerSocket(early)
    this.#driver = new MessageDriver(this.#socket, options)
    this.#driver.over.then(() => {
      this.#isOver = true
    })
    this.#caller = new Caller(this.#driver, promises)
  }

  async do(step: Step): Promise<void> {
    if (step.do === 'turn') await new Promise(setImmediate)
    else if (step.do === 'wait') this.#clock.fireNext()
    else if (step.do === 'message') this.#socket.push(step.isText, step.size)
    else if (step.do === 'peer-close') this.#socket.peerCloses(step.code)
    else if (step.do === 'lose') this.#socket.lose()
    else if (step.do === 'break') this.#socket.isBroken = true
    else this.#caller.do(step)
    const { inbox } = this.#driver
    if (inbox.isAwaited && inbox.size > 0) broken('A receive waits though there is a message')
  }

  async finish(): Promise<void> {
    const ending = this.#ending
    if (ending === 'abort') this.#driver.abort(new CallersReason())
    if (ending === 'close') this.#caller.do({ do: 'close', isObserved: true })
    if (ending === 'close' || ending === 'drain') this.#socket.peerCloses(3002)
    this.#promises.observeAll()
    for (let turn = 0; turn < MOST_TURNS && !this.#isFinished; turn++) {
      if (ending === 'drain') this.#caller.drain()
      await new Promise(setImmediate)
      if (ending === 'drain' && turn === 3) this.#caller.do({ do: 'close-output', isObserved: true })
      if (turn > 3) this.#clock.fireNext()
      if (turn === (ending === 'lose' ? 0 : MOST_TURNS / 2)) this.#socket.lose()
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
    const isDrained = this.#caller.isDrained && !this.#caller.hasGivenUp && state === 'closed'
    judgeReceived(this.#socket.sent, this.#caller.received, { who: 'the client', isAll: isDrained })
    // Our Close frame comes behind all that was sent.
    const isAllSent = this.#socket.closeCode === OWN_CODE
    judgeReceived(this.#caller.sent, this.#socket.received, { who: 'the server', isAll: isAllSent })
  }
}
