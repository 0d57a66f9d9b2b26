/** A server of which every frame is foretold, and that reads what the client sends, octet by octet. */
import { constants, inflateRawSync } from 'node:zlib'
import type { Draw } from '../draw.ts'
import { compressor, TAIL } from '../make/deflate.ts'
import { encodeFrame } from '../make/frames.ts'
import { ClientFrameReader } from '../reference/client-frames.ts'
import { isUtf8 } from '../reference/utf8.ts'
import { broken, type Does } from '../target.ts'
import { makeContent } from './calls.ts'
import { contentOf, type Received, type Sent } from './ledger.ts'

export type PeerStep =
  | {
      readonly do: 'message'
      readonly isText: boolean
      readonly size: number
      /** Lengths of the fragments before the last. */
      readonly fragments: readonly number[]
      readonly isCompressed: boolean
      /** Its last fragment never comes. */
      readonly isCutOff: boolean
    }
  | Does<'peer-ping' | 'peer-pong' | 'peer-close-without-code'>
  | { readonly do: 'peer-close'; readonly code: number }
  | { readonly do: 'wrong'; readonly wire: Uint8Array }

/** Each breaks a rule wherever it stands between frames. */
const WRONG = [
  'c1ff',
  'f100',
  '8180',
  '8b00',
  '0900',
  '897e0080',
  '8801',
  '8802000a',
  '8803e803ff',
  '817e0001',
  '827f8000000000000000',
  '830000',
].map((digits) => Buffer.from(digits, 'hex'))

export function makePeerStep(draw: Draw, largest: number): PeerStep {
  const kind = draw.below(16)
  if (kind < 10) {
    const size = draw.length(draw.oneIn(16) ? largest : 200)
    const fragments = draw.list(draw.pick([0, 0, 2]), 8, () => draw.below(size + 4))
    return {
      do: 'message',
      isText: draw.below(2) === 0,
      size,
      fragments,
      isCompressed: draw.oneIn(2),
      isCutOff: draw.oneIn(24),
    }
  }
  if (kind === 10) return { do: 'peer-ping' }
  if (kind < 14) return { do: 'peer-pong' }
  if (kind === 14)
    return draw.oneIn(4) ? { do: 'peer-close-without-code' } : { do: 'peer-close', code: draw.pick([1000, 1001, 3002]) }
  return draw.oneIn(2) ? { do: 'wrong', wire: draw.pick(WRONG) } : { do: 'peer-pong' }
}

export class Peer {
  readonly sent: Sent[] = []
  readonly received: Received[] = []
  /** The code of the client's Close frame; 1005 if it held none. */
  clientCode: number | undefined
  /** Whether it has sent a Close frame, or anything after which nothing more is right. */
  isOver = false
  readonly #compress: ((payload: Uint8Array) => Uint8Array) | undefined
  readonly #reader = new ClientFrameReader()
  readonly #pings: Uint8Array[] = []
  #pieces: Uint8Array[] = []
  /** The first byte of the message that the client is sending. */
  #message: number | undefined

  constructor(withDeflate: boolean) {
    this.#compress = withDeflate ? compressor(15, false) : undefined
  }

  /** The bytes of a step; none if it would not be right any more. */
  do(step: PeerStep): Uint8Array {
    if (this.isOver) return new Uint8Array(0)
    if (step.do === 'message') return this.#send(step)
    if (step.do === 'peer-ping') return encodeFrame({ firstByte: 0x89, payload: Buffer.from('ping') })
    if (step.do === 'peer-pong')
      return encodeFrame({ firstByte: 0x8a, payload: this.#pings.shift() ?? Buffer.from('unasked') })
    this.isOver = true
    if (step.do === 'wrong') return step.wire
    const payload = step.do === 'peer-close' ? Uint8Array.of(step.code >> 8, step.code & 255) : new Uint8Array(0)
    return encodeFrame({ firstByte: 0x88, payload })
  }

  #send({ isText, size, fragments, isCompressed, isCutOff }: Extract<PeerStep, { do: 'message' }>): Uint8Array {
    const content = contentOf(makeContent(this.sent.length, isText, size))
    this.sent.push({ content: () => content, mayBeMissing: () => false })
    const compress = isCompressed ? this.#compress : undefined
    const payload = compress === undefined ? content.bytes : compress(content.bytes)
    const frames: Uint8Array[] = []
    let opcode = (isText ? 1 : 2) | (compress === undefined ? 0 : 0x40)
    let at = 0
    for (const length of fragments) {
      frames.push(encodeFrame({ firstByte: opcode, payload: payload.subarray(at, at + length) }))
      at = Math.min(payload.length, at + length)
      opcode = 0
    }
    if (isCutOff) this.isOver = true
    else frames.push(encodeFrame({ firstByte: 0x80 | opcode, payload: payload.subarray(at) }))
    return Buffer.concat(frames)
  }

  /** Takes what the client sent; fails for what no client may send. */
  take(bytes: Uint8Array): void {
    for (const { firstByte, payload } of this.#reader.take(bytes)) {
      if (this.clientCode !== undefined) broken('A frame comes after the Close frame')
      if ((firstByte & 15) >= 8) this.#takeControl(firstByte, payload)
      else this.#takeData(firstByte, payload)
    }
  }

  #takeControl(firstByte: number, payload: Uint8Array): void {
    if (payload.length > 125) broken(`A control frame of ${payload.length} bytes`)
    if (firstByte === 0x89) this.#pings.push(payload)
    else if (firstByte === 0x88) this.clientCode = payload.length === 0 ? 1005 : payload[0]! * 256 + payload[1]!
    else if (firstByte !== 0x8a) broken(`A frame begins with ${firstByte}`)
  }

  #takeData(firstByte: number, payload: Uint8Array): void {
    const isContinuation = (firstByte & 15) === 0
    if (isContinuation !== (this.#message !== undefined)) broken(`A frame begins with ${firstByte} out of turn`)
    this.#message ??= firstByte
    this.#pieces.push(payload)
    if ((firstByte & 0x80) === 0) return
    const isText = (this.#message & 15) === 1
    const isCompressed = (this.#message & 0x40) !== 0
    const whole = Buffer.concat(this.#pieces)
    const bytes = isCompressed ? inflated(whole) : whole
    if (isText && !isUtf8(bytes)) broken('A text message is not UTF-8')
    this.received.push({ isText, pieces: [bytes], isComplete: true })
    this.#message = undefined
    this.#pieces = []
  }
}

function inflated(message: Uint8Array): Uint8Array {
  return inflateRawSync(Buffer.concat([message, TAIL]), { finishFlush: constants.Z_SYNC_FLUSH })
}
