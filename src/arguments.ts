/** The arguments of calls on an open socket, checked. */
import { isValidCloseCode, MAX_REASON_BYTES } from './codec/close-code.ts'
import { OptionsError } from './errors.ts'

/** What `send` takes: a string goes out as text, anything else as binary. */
export type MessageData = string | ArrayBuffer | SharedArrayBuffer | ArrayBufferView

/** The longest payload of a control frame (RFC 6455 §5.5). */
const MAX_PING_BYTES = 125

/** The bytes of a buffer or a view, which may be of another realm; undefined for anything else. */
export function bytesOf(data: unknown): Uint8Array | undefined {
  if (data instanceof Uint8Array) return data
  if (ArrayBuffer.isView(data)) return new Uint8Array(data.buffer, data.byteOffset, data.byteLength)
  const isBuffer = /^\[object (Shared)?ArrayBuffer\]$/.test(Object.prototype.toString.call(data))
  return isBuffer ? new Uint8Array(data as ArrayBuffer) : undefined
}

export function checkBytes(data: unknown, name: string): Uint8Array {
  const bytes = bytesOf(data)
  if (bytes) return bytes
  throw new OptionsError(name, `${name} must be a string, an ArrayBuffer or a view of one.`)
}

export function checkPing(payload: MessageData): Uint8Array {
  const bytes = typeof payload === 'string' ? new TextEncoder().encode(payload) : checkBytes(payload, 'payload')
  if (bytes.length > MAX_PING_BYTES) throw new OptionsError('payload', `A Ping holds at most ${MAX_PING_BYTES} bytes.`)
  return bytes
}

/** What a Close frame of a client may say (RFC 6455 §7.4, §5.5.1). */
export function checkClose(code: number, reason: string): void {
  if (!Number.isInteger(code) || !isValidCloseCode(code)) {
    throw new OptionsError('code', 'code must be 1000 to 1003, 1007 to 1014, or 3000 to 4999.')
  }
  if (typeof reason !== 'string') throw new OptionsError('reason', 'reason must be a string.')
  if (reason.length > MAX_REASON_BYTES || new TextEncoder().encode(reason).length > MAX_REASON_BYTES) {
    throw new OptionsError('reason', `reason must be at most ${MAX_REASON_BYTES} bytes long in UTF-8.`)
  }
}

export function checkObject(value: unknown, name: string): void {
  if (typeof value !== 'object' || value === null) throw new OptionsError(name, `${name} must be an object.`)
}

export function checkSignal(signal: AbortSignal | undefined): void {
  if (signal === undefined || typeof signal?.addEventListener === 'function') return
  throw new OptionsError('signal', 'signal must be an AbortSignal.')
}
