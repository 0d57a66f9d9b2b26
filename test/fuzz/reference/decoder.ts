/** RFC 6455 §5.2 as it reads, over all bytes at once: slow, and without a state that could be wrong. */
import { firstBadByte, isUtf8 } from './utf8.ts'

export interface DecodedFrame {
  readonly opcode: number
  readonly fin: boolean
  /** The first frame of the message had RSV1. */
  readonly compressed: boolean
  readonly continuation: boolean
  readonly size: bigint
  /** As much of it as has come. */
  readonly payload: Uint8Array
  readonly isComplete: boolean
  /** The indexes of the first byte behind the header, and of the first behind what has come of the payload. */
  readonly headerEnd: number
  readonly end: number
}

export interface Decoded {
  readonly frames: readonly DecodedFrame[]
  /** The name of the rule that is broken. */
  readonly violation?: string | undefined
  /** The index of the byte that breaks it. */
  readonly brokenAt?: number
}

interface Header {
  readonly first: number
  readonly second: number
  readonly size: bigint
  readonly length: number
}

interface Message {
  readonly opcode: number
  readonly compressed: boolean
  readonly pieces: Uint8Array[]
}

export function decodeServerBytes(bytes: Uint8Array, withDeflate: boolean): Decoded {
  const frames: DecodedFrame[] = []
  let message: Message | undefined
  for (let at = 0; at < bytes.length; ) {
    const header = readHeader(bytes.subarray(at), message !== undefined, withDeflate)
    if (header === undefined) break
    if ('violation' in header) return { frames, violation: header.violation, brokenAt: at + header.at }
    const from = at + header.length
    const to = Math.min(bytes.length, from + Number(header.size))
    const payload = bytes.subarray(from, to)
    const isComplete = BigInt(payload.length) === header.size
    const frame = { ...describe(header, message), size: header.size, payload, isComplete, headerEnd: from, end: to }
    frames.push(frame)
    if (frame.opcode < 8) {
      message ??= { opcode: frame.opcode, compressed: frame.compressed, pieces: [] }
      message.pieces.push(payload)
      const bad = badText(message, frame)
      if (bad !== undefined)
        return { frames, violation: 'invalid-utf8', brokenAt: bad < 0 ? to - 1 : to - payload.length + bad }
      if (frame.fin && isComplete) message = undefined
    }
    at = to
    if (!isComplete) break
  }
  return { frames }
}

function describe({ first }: Header, message: Message | undefined) {
  const fin = first >= 0x80
  const own = first & 15
  if (own >= 8) return { opcode: own, fin, compressed: false, continuation: false }
  const compressed = message?.compressed ?? (first & 0x40) !== 0
  return { opcode: message?.opcode ?? own, fin, compressed, continuation: own === 0 }
}

/** Where in the last piece the text is bad; -1 if it ends within a character. */
function badText({ opcode, compressed, pieces }: Message, { fin, isComplete }: DecodedFrame): number | undefined {
  if (opcode !== 1 || compressed) return undefined
  const text = Buffer.concat(pieces)
  if (isUtf8(text)) return undefined
  const bad = firstBadByte(text)
  if (bad !== undefined) return bad - (text.length - pieces.at(-1)!.length)
  return fin && isComplete ? -1 : undefined
}

/** Undefined if it is not complete, and nothing in it is wrong. */
function readHeader(
  bytes: Uint8Array,
  isWithin: boolean,
  withDeflate: boolean,
): Header | { violation: string; at: number } | undefined {
  const first = bytes[0]!
  const wrong = judgeFirst(first, isWithin, withDeflate)
  if (wrong !== undefined) return { violation: wrong, at: 0 }
  const second = bytes[1]
  if (second === undefined) return undefined
  if (second >= 0x80) return { violation: 'masked', at: 1 }
  const isControl = (first & 8) !== 0
  if (isControl && second > 125) return { violation: 'long-control', at: 1 }
  if ((first & 15) === 8 && second === 1) return { violation: 'short-close', at: 1 }
  const length = second === 126 ? 4 : second === 127 ? 10 : 2
  if (bytes.length < length) return undefined
  const size = length === 2 ? BigInt(second) : BigInt(`0x${Buffer.from(bytes.subarray(2, length)).toString('hex')}`)
  const at = length - 1
  if (size >= 2n ** 63n) return { violation: 'length-too-large', at }
  if ((length === 4 && size < 126n) || (length === 10 && size < 65_536n)) return { violation: 'length-not-minimal', at }
  return { first, second, size, length }
}

function judgeFirst(first: number, isWithin: boolean, withDeflate: boolean): string | undefined {
  const opcode = first & 15
  const [rsv1, others] = [(first & 0x40) !== 0, (first & 0x30) !== 0]
  const mayCompress = withDeflate && (opcode === 1 || opcode === 2)
  if (others || (rsv1 && !mayCompress)) return 'reserved-bits'
  if (![0, 1, 2, 8, 9, 10].includes(opcode)) return 'reserved-opcode'
  if (opcode >= 8) return first < 0x80 ? 'fragmented-control' : undefined
  if (opcode === 0 && !isWithin) return 'unexpected-continuation'
  return opcode !== 0 && isWithin ? 'expected-continuation' : undefined
}
