/** What a client without extensions makes of a server's bytes (RFC 6455 §5 to §7), from frames that a naive decoder has found. */
import { type DecodedFrame, decodeServerBytes } from './decoder.ts'
import { isUtf8 } from './utf8.ts'

export interface Behaviour {
  /** Messages, Pongs and the Close, each on a line. */
  readonly events: readonly string[]
  /** The rule or the limit that is broken. */
  readonly failure: string | undefined
  /** Frames that go out. */
  readonly sent: readonly string[]
}

export interface Limits {
  readonly maxMessageSize: number
  readonly maxFragments: number
}

export interface Circumstances {
  readonly limits: Limits
  readonly allowHalfOpen: boolean
  /** Our Close frame goes out when so many bytes have come. */
  readonly closeAt: number | undefined
  /** The numbers of the messages that are taken as streams, which no limit holds for. */
  readonly streamed: readonly number[]
}

const TOO_BIG = 'too-big'
const FORBIDDEN = [1004, 1005, 1006]

export function behaviourOf(wire: Uint8Array, circumstances: Circumstances): Behaviour {
  const { frames, violation, brokenAt = 0 } = decodeServerBytes(wire, false)
  const client = new Client(circumstances)
  // The last frame has the bad byte in it.
  const whole = violation === 'invalid-utf8' ? frames.slice(0, -1) : frames
  for (const frame of whole) if (!client.isOver) client.take(frame)
  if (violation === 'invalid-utf8' && !client.isOver) client.judge(frames.at(-1)!)
  if (violation !== undefined && !client.isOver) {
    client.fail(violation, violation === 'invalid-utf8' ? 1007 : 1002, brokenAt)
  }
  client.reach(wire.length)
  return client
}

class Client implements Behaviour {
  readonly events: string[] = []
  readonly sent: string[] = []
  failure: string | undefined
  isOver = false
  readonly #circumstances: Circumstances
  #hasClosed = false
  #messages = 0
  #fragments = 0
  #pieces: Uint8Array[] = []

  constructor(circumstances: Circumstances) {
    this.#circumstances = circumstances
  }

  take(frame: DecodedFrame): void {
    if (frame.opcode < 8) this.#takeData(frame)
    else if (frame.isComplete) this.#takeControl(frame)
  }

  /** A frame that makes its message too big is refused when its header has come. */
  judge({ continuation, size, headerEnd }: DecodedFrame): void {
    const { limits, streamed } = this.#circumstances
    this.#fragments = continuation ? this.#fragments + 1 : 1
    const before = this.#pieces.reduce((sum, piece) => sum + piece.length, 0)
    const isTooBig = before + Number(size) > limits.maxMessageSize || this.#fragments > limits.maxFragments
    if (isTooBig && !streamed.includes(this.#messages)) this.fail(TOO_BIG, 1009, headerEnd - 1)
  }

  #takeData(frame: DecodedFrame): void {
    this.judge(frame)
    if (this.isOver || !frame.isComplete) return
    this.#pieces.push(frame.payload)
    if (!frame.fin) return
    const content = Buffer.concat(this.#pieces).toString('hex')
    this.events.push(`${frame.opcode === 1 ? 'text' : 'binary'} ${content}`)
    this.#messages++
    this.#pieces = []
  }

  #takeControl({ opcode, payload, end }: DecodedFrame): void {
    this.reach(end - 1)
    const content = Buffer.from(payload).toString('hex')
    if (opcode === 8) this.#takeClose(payload, end - 1)
    else if (opcode === 10) this.events.push(`pong ${content}`)
    else if (!this.#hasClosed) this.sent.push(`pong ${content}`)
  }

  #takeClose(payload: Uint8Array, at: number): void {
    const code = payload.length === 0 ? undefined : payload[0]! * 256 + payload[1]!
    const reason = payload.subarray(2)
    const isKnown =
      code === undefined ||
      (code >= 1000 && code <= 1014 && !FORBIDDEN.includes(code)) ||
      (code >= 3000 && code <= 4999)
    if (!isKnown) this.fail('invalid-close-code', 1002, at)
    else if (!isUtf8(reason)) this.fail('invalid-close-reason', 1007, at)
    else {
      this.events.push(`close ${code ?? 1005} ${Buffer.from(reason)}`)
      if (!this.#circumstances.allowHalfOpen) this.#close(code)
      this.isOver = true
    }
  }

  fail(failure: string, code: number, at: number): void {
    this.reach(at)
    this.failure = failure
    this.#close(code)
    this.#hasClosed = true
    this.isOver = true
  }

  /** The byte with this index has come: what was to be done before has been. */
  reach(index: number): void {
    const { closeAt } = this.#circumstances
    if (closeAt !== undefined && index >= closeAt) this.#close(1000)
  }

  #close(code: number | undefined): void {
    if (!this.#hasClosed) this.sent.push(`close ${code ?? ''}`)
    this.#hasClosed = true
  }
}
