/** From what a script says to bytes, and from bytes to the writes that a chopping makes of them. */
import { bytesOf, isText } from './content.ts'
import { agreementOf, Deflater } from './deflate.ts'
import {
  BINARY,
  type Case,
  type Chop,
  CONTINUATION,
  type FrameOptions,
  type Item,
  type MessageOptions,
  RSV1,
  TEXT,
} from './script.ts'

const MASKING_KEY = Buffer.of(0x37, 0xfa, 0x21, 0x3d)
const NO_DEFLATE = { serverWindowBits: 15, clientWindowBits: 15, serverTakesOver: true, clientTakesOver: true }

/** One way to cut the server's bytes: in two at an offset, or so many at a time; both undefined is whole. */
export interface Cut {
  readonly name: string
  readonly at?: number
  readonly every?: number
}

export const WHOLE: Cut = { name: 'whole' }

/** The bytes of each `say` of a case, in order. */
export function encodeCase({ script, answer = '' }: Case): readonly Buffer[] {
  const deflater = new Deflater(agreementOf(String(answer)) ?? NO_DEFLATE)
  return script
    .filter((step) => step.kind === 'say')
    .map(({ items }) => Buffer.concat(items.map((item) => encode(item, deflater))))
}

/** All cuts that a case asks for. Offsets count within each `say`. */
export function cutsOf({ chops = ['whole'], script }: Case, says: readonly Buffer[]): readonly Cut[] {
  const cuttable = script.filter((step) => step.kind === 'say').map(({ isWhole }) => !isWhole)
  const longest = Math.max(0, ...says.filter((_, i) => cuttable[i]).map(({ length }) => length))
  return chops.flatMap((chop): Cut[] => {
    if (chop !== 'every offset') return [cutOf(chop)]
    return Array.from({ length: Math.max(0, longest - 1) }, (_, i) => ({ name: `cut at ${i + 1}`, at: i + 1 }))
  })
}

function cutOf(chop: Exclude<Chop, 'every offset'>): Cut {
  if (chop === 'whole') return WHOLE
  return chop === 'octets' ? { name: chop, every: 1 } : { name: `${chop} bytes at a time`, every: chop }
}

/** What is written at a time. */
export function* writesOf(bytes: Buffer, { at = Infinity, every = Infinity }: Cut): Generator<Buffer> {
  if (at < bytes.length) {
    yield bytes.subarray(0, at)
    yield bytes.subarray(at)
    return
  }
  for (let from = 0; from < bytes.length; from += every) yield bytes.subarray(from, from + every)
}

function encode(item: Item, deflater: Deflater): Uint8Array {
  switch (item.kind) {
    case 'raw':
      return item.deflate === undefined ? item.bytes : deflater.deflate(item.bytes, item.deflate === 'last')
    case 'frame': {
      const { deflate } = item.options
      const bytes = item.payload instanceof Uint8Array ? item.payload : bytesOf(item.payload)
      const payload = deflate === undefined ? bytes : deflater.deflate(bytes, deflate === 'last')
      return encodeFrame(item.opcode, payload, item.options)
    }
    case 'message': {
      const bytes = bytesOf(item.content)
      const payload = item.options.isCompressed ? deflater.deflate(bytes, true) : bytes
      return encodeMessage(isText(item.content) ? TEXT : BINARY, payload, item.options)
    }
  }
}

function encodeMessage(opcode: number, payload: Uint8Array, options: MessageOptions): Buffer {
  const { fragment = Infinity, isCompressed } = options
  const frames: Buffer[] = []
  for (let from = 0; from === 0 || from < payload.length; from += fragment) {
    const isFirst = from === 0
    const rsv = isFirst && isCompressed ? RSV1 : 0
    const fin = from + fragment >= payload.length
    const part = payload.subarray(from, from + fragment)
    frames.push(encodeFrame(isFirst ? opcode : CONTINUATION, part, { fin, rsv }))
  }
  return Buffer.concat(frames)
}

function encodeFrame(opcode: number, payload: Uint8Array, options: FrameOptions): Buffer {
  const { fin = true, rsv = 0, isMasked = false, announces = payload.length } = options
  const length = lengthField(BigInt(announces), options.form)
  if (isMasked) length[0]! |= 0x80
  const header = Buffer.concat([Buffer.of((fin ? 0x80 : 0) | (rsv << 4) | opcode), length])
  if (!isMasked) return Buffer.concat([header, payload])
  return Buffer.concat([header, MASKING_KEY, payload.map((byte, i) => byte ^ MASKING_KEY[i & 3]!)])
}

/** RFC 6455 §5.2. */
function lengthField(length: bigint, form = length < 126 ? 7 : length < 65536 ? 16 : 64): Buffer {
  if (form === 7) return Buffer.of(Number(length))
  const extended = Buffer.alloc(form / 8)
  if (form === 16) extended.writeUInt16BE(Number(length))
  else extended.writeBigUInt64BE(length)
  return Buffer.concat([Buffer.of(form === 16 ? 126 : 127), extended])
}
