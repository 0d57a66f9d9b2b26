/** The server's ear: reads what the client sends, and is as strict with it as the RFCs allow. */
import { isUtf8 } from 'node:buffer'
import type { PeerConnection } from '../support/scripted-peer.ts'
import { toHex } from './content.ts'
import { type Agreement, Inflater } from './deflate.ts'
import { CLOSE, CONTINUATION, PING, PONG, RSV1, TEXT } from './script.ts'

/** A message, or a control frame. */
export interface Heard {
  readonly opcode: number
  /** Unmasked, and inflated. */
  readonly payload: Buffer
  readonly isCompressed: boolean
}

interface Frame {
  readonly fin: boolean
  readonly rsv: number
  readonly opcode: number
  readonly payload: Buffer
}

const NAMES: Readonly<Record<number, string>> = { [TEXT]: 'text', [CLOSE]: 'Close', [PING]: 'Ping', [PONG]: 'Pong' }
const SHOWN = 24

export class Hearing {
  readonly #peer: PeerConnection
  readonly #inflater: Inflater | undefined
  /** The frames of a message that is not complete. */
  #parts: Frame[] = []

  constructor(peer: PeerConnection, agreement: Agreement | undefined) {
    this.#peer = peer
    this.#inflater = agreement && new Inflater(agreement)
  }

  async next(): Promise<Heard> {
    for (;;) {
      const frame = await this.#readFrame()
      if (frame.opcode >= CLOSE) return control(frame)
      const isContinued = this.#parts.length > 0
      demand((frame.opcode === CONTINUATION) === isContinued, 'the client fragments a message wrongly')
      demand(frame.rsv === 0 || (frame.rsv === RSV1 && !isContinued && this.#inflater !== undefined), 'reserved bits')
      this.#parts.push(frame)
      if (frame.fin) return this.#assemble()
    }
  }

  #assemble(): Heard {
    const parts = this.#parts
    this.#parts = []
    const { opcode, rsv } = parts[0]!
    const joined = Buffer.concat(parts.map(({ payload }) => payload))
    const isCompressed = rsv === RSV1
    const payload = isCompressed ? this.#inflater!.inflate(joined) : joined
    demand(opcode !== TEXT || isUtf8(payload), 'the client sends text that is not UTF-8')
    return { opcode, payload, isCompressed }
  }

  async #readFrame(): Promise<Frame> {
    const start = await this.#peer.readExactly(2)
    const first = start.readUInt8(0)
    const second = start.readUInt8(1)
    demand(second >= 0x80, 'the client sends a frame that is not masked')
    const length = await this.#readLength(second & 0x7f)
    const key = Buffer.from(await this.#peer.readExactly(4))
    const payload = Buffer.from(await this.#peer.readExactly(length))
    for (let i = 0; i < payload.length; i++) payload[i]! ^= key[i & 3]!
    return { fin: first >= 0x80, rsv: (first >> 4) & 7, opcode: first & 15, payload }
  }

  async #readLength(short: number): Promise<number> {
    if (short < 126) return short
    const field = await this.#peer.readExactly(short === 126 ? 2 : 8)
    const length = short === 126 ? field.readUInt16BE() : Number(field.readBigUInt64BE())
    demand(length >= (short === 126 ? 126 : 65_536), 'the client sends a length that is not in its shortest form')
    return length
  }
}

function control({ opcode, payload, fin, rsv }: Frame): Heard {
  demand(fin && rsv === 0 && payload.length < 126, 'the client sends a control frame that is none')
  return { opcode, payload, isCompressed: false }
}

export function show(opcode: number, payload: Uint8Array): string {
  if (opcode === CLOSE && payload.length > 1) return `Close ${(payload[0]! << 8) | payload[1]!}`
  const shown = payload.length > SHOWN ? `${payload.length} bytes` : `[${toHex(payload)}]`
  return `${NAMES[opcode] ?? `opcode ${opcode}`} ${shown}`
}

export function demand(condition: boolean, otherwise: string): asserts condition {
  if (!condition) throw new Error(otherwise)
}
