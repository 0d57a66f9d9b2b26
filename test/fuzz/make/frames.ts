import type { Draw } from '../draw.ts'
import { mutate } from './chunks.ts'
import { makeTextBytes } from './text.ts'

/** A frame as a server might send it, right or wrong. */
interface Frame {
  readonly firstByte: number
  readonly payload: Uint8Array
  /** What the header says, if it is not the payload's length. */
  readonly announced?: bigint
  /** How many bytes the length is written in: 0, 2 or 8; the shortest form by default. */
  readonly form?: 0 | 2 | 8
  readonly isMasked?: boolean
}

const FIN = 0x80
const LENGTHS = [
  0n,
  1n,
  2n,
  124n,
  125n,
  126n,
  127n,
  65_535n,
  65_536n,
  2n ** 31n,
  2n ** 32n - 1n,
  2n ** 32n,
  2n ** 53n + 1n,
  2n ** 63n - 1n,
  2n ** 63n,
  2n ** 64n - 1n,
]
/** Those of frames that stand for themselves, and of fragments. */
const FIRST_BYTES = [0x82, 0x81, 0x02, 0x01, 0x80, 0x00, 0x88, 0x89, 0x8a]
const CODES = [1000, 1001, 1003, 1007, 1014, 3000, 4999, 0, 999, 1004, 1005, 1006, 1015, 2999, 5000, 65_535]

export function encodeFrame({ firstByte, payload, announced = BigInt(payload.length), form, isMasked }: Frame): Buffer {
  const size = form ?? (announced < 126n ? 0 : announced < 65_536n ? 2 : 8)
  const header = Buffer.alloc(2 + size)
  header[0] = firstByte
  header[1] = (size === 0 ? Number(announced & 127n) : size === 2 ? 126 : 127) | (isMasked ? 0x80 : 0)
  if (size === 2) header.writeUInt16BE(Number(announced & 0xffffn), 2)
  if (size === 8) header.writeBigUInt64BE(announced & (2n ** 64n - 1n), 2)
  return Buffer.concat([header, payload])
}

function encodeFrames(frames: readonly Frame[]): Buffer {
  return Buffer.concat(frames.map(encodeFrame))
}

interface MessageOptions {
  /** The most bytes of a message. */
  readonly most: number
  /** Makes the payload of a compressed message; without it RSV1 is a rare mistake. */
  readonly compress?: (payload: Uint8Array) => Uint8Array
}

/** A message in any number of fragments, with control frames between them. */
function makeMessage(draw: Draw, options: MessageOptions): Frame[] {
  const isText = draw.below(2) === 0
  const plain = isText ? makeTextBytes(draw, options.most) : draw.bytes(draw.length(options.most))
  const isCompressed = options.compress !== undefined && draw.below(2) === 0
  const payload = isCompressed ? options.compress!(plain) : plain
  const frames: Frame[] = []
  let opcode = (isText ? 1 : 2) | (isCompressed ? 0x40 : 0)
  let at = 0
  for (const length of draw.list(draw.pick([0, 0, 1, 4]), 40, () => draw.length(options.most))) {
    frames.push({ firstByte: opcode, payload: payload.subarray(at, at + length) })
    at = Math.min(payload.length, at + length)
    opcode = 0
    if (draw.oneIn(3)) frames.push(makeControl(draw))
  }
  frames.push({ firstByte: FIN | opcode, payload: payload.subarray(at) })
  return frames
}

/** A Ping, a Pong, or now and then a Close. */
function makeControl(draw: Draw): Frame {
  if (draw.oneIn(8)) return makeClose(draw)
  return { firstByte: FIN | draw.pick([9, 10]), payload: draw.bytes(draw.length(125)) }
}

function makeClose(draw: Draw): Frame {
  if (draw.oneIn(6)) return { firstByte: FIN | 8, payload: draw.bytes(draw.below(3)) }
  const code = Buffer.alloc(2)
  code.writeUInt16BE(draw.oneIn(4) ? draw.below(65_536) : draw.pick(CODES))
  return { firstByte: FIN | 8, payload: Buffer.concat([code, makeTextBytes(draw, 120).subarray(0, 123)]) }
}

/** What a server does not do, or what it does rarely. */
function makeOddity(draw: Draw): Frame {
  const announced = draw.pick(LENGTHS)
  const form = draw.pick([undefined, 0, 2, 8] as const)
  const payload = draw.bytes(draw.length(130))
  const firstByte = draw.oneIn(2) ? draw.below(256) : draw.pick(FIRST_BYTES)
  const frame = { firstByte, payload, isMasked: draw.oneIn(8) }
  return { ...frame, ...(draw.oneIn(2) ? { announced } : {}), ...(form === undefined ? {} : { form }) }
}

/** Frames of a few messages, most of them right. */
function makeFrames(draw: Draw, options: MessageOptions): Frame[] {
  const frames = draw.list(3, 20, () => (draw.oneIn(4) ? [makeControl(draw)] : makeMessage(draw, options))).flat()
  if (draw.oneIn(3)) frames.splice(draw.below(frames.length + 1), 0, makeOddity(draw))
  if (draw.oneIn(6)) frames.splice(draw.below(frames.length + 1), 1)
  if (draw.oneIn(8)) frames.push(makeClose(draw))
  return frames
}

/** What a server sends: frames, sometimes changed on the way, sometimes any bytes. */
export function makeWire(draw: Draw, options: MessageOptions): Uint8Array {
  const kind = draw.below(8)
  if (kind === 7) return draw.bytes(draw.length(400))
  const bytes = encodeFrames(makeFrames(draw, options))
  return kind < 5 ? bytes : mutate(draw, bytes)
}
