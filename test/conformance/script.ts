/** The vocabulary of the cases: what a server says and hears, and what the client's user must have seen in the end. */
import type { ClientPlan } from './client.ts'
import { bytesOf, type Content, fromHex } from './content.ts'

/** An exchange that has to go exactly so, on every transport. */
export interface Case {
  /** Begins with the section whose rule it shows. */
  readonly name: string
  readonly client?: ClientPlan
  /** The extensions that the client must offer; without it, none. */
  readonly offer?: string
  /** The extensions that the server answers with, one string a header field. */
  readonly answer?: string | readonly string[]
  readonly script: readonly Step[]
  /** How the server's bytes are cut: the script is run once for each. Default: whole. */
  readonly chops?: readonly Chop[]
  /** Whether the server's first bytes leave in one write with its 101. */
  readonly eager?: boolean
  readonly outcome: Outcome
}

/** Whole, byte by byte, in two at each offset in turn, or so many bytes at a time. */
export type Chop = 'whole' | 'octets' | 'every offset' | number

export const ALL_CHOPS: readonly Chop[] = ['whole', 'octets', 'every offset']

/** What the client's user sees. */
export interface Outcome {
  readonly messages: readonly Content[]
  readonly error?: string
  readonly state: 'closed' | 'aborted'
  readonly closeStatus?: number
  readonly reason?: string
  /** How many of the client's Pings were answered. */
  readonly pongs?: number
}

export type Step =
  | { readonly kind: 'say'; readonly items: readonly Item[]; readonly isWhole?: boolean }
  | { readonly kind: 'hear message'; readonly content: Content; readonly isCompressed: boolean | undefined }
  | { readonly kind: 'hear control'; readonly opcode: number; readonly payload: Uint8Array }
  | { readonly kind: 'hear close'; readonly code: number | undefined; readonly reason: string | undefined }
  /** The client's direction ends in order, and nothing comes before that. */
  | { readonly kind: 'hear end' }
  /** The client lets go of the connection, in whatever way. */
  | { readonly kind: 'hear gone' }
  | { readonly kind: 'end' }

/** Bytes to send, as data. */
export type Item =
  | {
      readonly kind: 'frame'
      readonly opcode: number
      readonly payload: Uint8Array | Content
      readonly options: FrameOptions
    }
  | { readonly kind: 'raw'; readonly bytes: Uint8Array; readonly deflate?: Deflate | undefined }
  | { readonly kind: 'message'; readonly content: Content; readonly options: MessageOptions }

/**
 * How a payload is deflated: as a part of its message, or as the last one, of which RFC 7692 §7.2.1 cuts the end off.
 */
export type Deflate = 'part' | 'last'

export interface FrameOptions {
  /** Default: true. */
  readonly fin?: boolean
  /** The three reserved bits as a number: 4 is RSV1. */
  readonly rsv?: number
  readonly isMasked?: boolean
  /** The bits of the length field. Default: as few as will do. */
  readonly form?: 7 | 16 | 64
  /** The length that the header announces, if it is not that of the payload. */
  readonly announces?: number | bigint
  readonly deflate?: Deflate
}

export interface MessageOptions {
  /** The length of each frame's payload but the last. Default: one frame. */
  readonly fragment?: number
  readonly isCompressed?: boolean
}

export const CONTINUATION = 0
export const TEXT = 1
export const BINARY = 2
export const CLOSE = 8
export const PING = 9
export const PONG = 10
/** The reserved bit that permessage-deflate gave a meaning. */
export const RSV1 = 4

// What a server may say.

export function frame(
  opcode: number,
  payload: string | Uint8Array | Content = '',
  options: FrameOptions = {},
): Item & { kind: 'frame' } {
  const bytes = typeof payload === 'string' ? bytesOf({ text: payload }) : payload
  return { kind: 'frame', opcode, payload: bytes, options }
}

export const text = (payload: string | Uint8Array | Content, options?: FrameOptions) => frame(TEXT, payload, options)
export const binary = (payload: Uint8Array | Content, options?: FrameOptions) => frame(BINARY, payload, options)
export const continuation = (payload: string | Uint8Array | Content, options?: FrameOptions) =>
  frame(CONTINUATION, payload, options)
export const ping = (payload: string | Uint8Array = '', options?: FrameOptions) => frame(PING, payload, options)
export const pong = (payload: string | Uint8Array = '', options?: FrameOptions) => frame(PONG, payload, options)
export const close = (code?: number, reason?: string | Uint8Array, options?: FrameOptions) =>
  frame(CLOSE, closePayload(code, reason), options)

export const raw = (bytes: string | Uint8Array | readonly number[], deflate?: Deflate): Item => ({
  kind: 'raw',
  bytes: typeof bytes === 'string' ? fromHex(bytes) : Uint8Array.from(bytes),
  deflate,
})

export const message = (content: Content, options: MessageOptions = {}): Item => ({ kind: 'message', content, options })

export function closePayload(code: number | undefined, reason: string | Uint8Array = ''): Uint8Array {
  if (code === undefined) return new Uint8Array(0)
  const bytes = typeof reason === 'string' ? bytesOf({ text: reason }) : reason
  return Uint8Array.of(code >> 8, code & 0xff, ...bytes)
}

// Steps.

export const say = (...items: readonly Item[]): Step => ({ kind: 'say', items })

/** The client's next message, in however many frames. Whether it is compressed matters only where it is told. */
export const hear = (content: Content, isCompressed?: boolean): Step => ({
  kind: 'hear message',
  content,
  isCompressed,
})
export const hearPong = (payload: string | Uint8Array = ''): Step => hearControl(PONG, payload)
export const hearPing = (payload: string | Uint8Array = ''): Step => hearControl(PING, payload)
/** The reason matters only where it is told. */
export const hearClose = (code?: number, reason?: string): Step => ({ kind: 'hear close', code, reason })
export const hearEnd: Step = { kind: 'hear end' }
export const hearGone: Step = { kind: 'hear gone' }
export const end: Step = { kind: 'end' }

function hearControl(opcode: number, payload: string | Uint8Array): Step {
  return { kind: 'hear control', opcode, payload: typeof payload === 'string' ? bytesOf({ text: payload }) : payload }
}

/** The server closes, and ends the connection once it has the client's answer. */
export const closing = (code: number | undefined = 1000): readonly Step[] => [
  say(close(code)),
  hearClose(code),
  end,
  hearEnd,
]

/**
 * The client fails the connection before the server says the rest, which is not cut: how it comes no longer matters.
 */
export const failing = (closeCode: number, ...rest: readonly Item[]): readonly Step[] => [
  hearClose(closeCode),
  ...(rest.length > 0 ? [{ kind: 'say', items: rest, isWhole: true } as const] : []),
  hearEnd,
  end,
]

// Outcomes.

/** Both Close frames were exchanged; 1005 is a Close frame without a code. */
export const closed = (messages: readonly Content[] = [], closeStatus = 1000, reason = ''): Outcome => ({
  messages,
  state: 'closed',
  closeStatus,
  reason,
})

/** The client has failed the connection, for the rule of this name. */
export const failed = (violation: string, messages: readonly Content[] = [], closeCode = 1002): Outcome => ({
  messages,
  error: `ProtocolError ${violation} ${closeCode}`,
  state: 'aborted',
  closeStatus: 1006,
})

export const tooBig = (limit: number, messages: readonly Content[] = []): Outcome => ({
  messages,
  error: `MessageTooBigError ${limit}`,
  state: 'aborted',
  closeStatus: 1006,
})

/** The connection ended without the server's Close frame. */
export const lost = (messages: readonly Content[] = []): Outcome => ({
  messages,
  error: 'ConnectionClosedError 1006',
  state: 'aborted',
  closeStatus: 1006,
})

/** The handshake failed. */
export const refused = (code: string): Outcome => ({ messages: [], error: `HandshakeError ${code}`, state: 'closed' })
