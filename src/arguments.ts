/** The arguments of calls, checked. */
import { isValidCloseCode, MAX_REASON_BYTES } from './codec/close-code.ts'
import { OptionsError } from './errors.ts'

/** What `send` takes: a string goes out as text, anything else as binary. */
export type MessageData = string | ArrayBuffer | SharedArrayBuffer | ArrayBufferView

/** Where a call may be cancelled. */
export interface Cancellable {
  /** Its reason is thrown as it is. */
  readonly signal?: AbortSignal | undefined
}

/** How one message is sent. */
export interface SendOptions {
  /**
   * False sends it as it is, even where permessage-deflate was agreed: for what is compressed already, or secret.
   * Default: true.
   */
  readonly compress?: boolean | undefined
}

const ONLY_SIGNAL = { signal: true }
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

/** Whether the message may be compressed. */
export function compressOf(options: SendOptions | undefined): boolean {
  if (options == null) return true
  checkObject(options, 'options')
  checkNames('', options, { compress: true })
  return boolean('compress', options.compress, true)
}

export function boolean(name: string, value: boolean | undefined, preset: boolean): boolean {
  if (value === undefined) return preset
  if (typeof value === 'boolean') return value
  throw new OptionsError(name, `${name} must be true or false.`)
}

/** A name that no option has is a mistake: `options` has every name. `path` stands before it. */
export function checkNames(path: string, given: object, options: object): void {
  for (const name of Object.keys(given)) {
    if (!Object.hasOwn(options, name)) throw new OptionsError(path + name, `There is no option ${path}${name}.`)
  }
}

export function checkObject(value: unknown, name: string): void {
  if (typeof value !== 'object' || value === null) throw new OptionsError(name, `${name} must be an object.`)
}

/**
 * The signal of a call; an AbortSignal by itself is a mistake that would go unnoticed. `known` has the names of all
 * options that the call takes.
 */
export function signalOf(options: Cancellable | undefined, known: object = ONLY_SIGNAL): AbortSignal | undefined {
  if (options == null) return undefined
  checkObject(options, 'options')
  if ('aborted' in options) throw new OptionsError('options', 'Pass the signal as { signal }.')
  checkNames('', options, known)
  const { signal } = options
  if (signal === undefined || typeof signal?.addEventListener === 'function') return signal
  throw new OptionsError('signal', 'signal must be an AbortSignal.')
}
