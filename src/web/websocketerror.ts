import { HandshakeError } from '../errors.ts'
import { type CloseInfo, checkClose, shortInRange, text } from './arguments.ts'
import { makeEnumerable, tag } from './enumerable.ts'

/** How a WebSocketStream is closed, or was closed. */
export interface WebSocketCloseInfo {
  /**
   * 1000 or 3000 to 4999 to close with. Without one the Close frame is empty, unless there is a reason: then it is
   * 1000.
   */
  readonly closeCode?: number | undefined
  /** At most 123 bytes in UTF-8. Default: empty. */
  readonly reason?: string | undefined
}

/** What the server's side of the end was. */
interface End {
  readonly closeCode: number
  readonly reason: string
  readonly cause: unknown
}

/** What `instanceof` of hawser's errors looks at. */
const BRAND = Symbol.for('hawser.error')

let create: (message: string, end: End) => WebSocketError

/**
 * Why a WebSocketStream ended other than by a closing handshake; or, made by a caller and given to `cancel` or `abort`
 * of a stream, what to close with. `cause` is hawser's own error, where there is one.
 */
export class WebSocketError extends DOMException {
  #closeCode: number | null
  #reason: string

  /** Fails with an InvalidAccessError or a SyntaxError (DOMExceptions) for what one may not close with. */
  constructor(message = '', init: WebSocketCloseInfo = {}) {
    super(text(message), 'WebSocketError')
    const { code, reason } = closeInfoOf(init)
    this.#closeCode = code ?? null
    this.#reason = reason
  }

  static {
    // 1006 and its like can be told, but not closed with: the constructor refuses them.
    create = (message, { closeCode, reason, cause }) => {
      const error = new WebSocketError(message)
      error.#closeCode = closeCode
      error.#reason = reason
      return Object.defineProperty(error, 'cause', { value: cause, configurable: true, writable: true })
    }
  }

  /** The code of the Close frame, 1006 if none came; null if there is none to close with. */
  get closeCode(): number | null {
    return this.#closeCode
  }

  /** The reason in the Close frame. */
  get reason(): string {
    return this.#reason
  }
}
makeEnumerable(WebSocketError.prototype, ['closeCode', 'reason'])
tag(WebSocketError.prototype, 'WebSocketError')

/** The error of a connection that ended so. */
export function endedWith(message: string, end: End): WebSocketError {
  return create(message, end)
}

/**
 * The error of a connection that never was: a WebSocketError, as the standard promises, which is a HandshakeError as
 * well if that is why, with all that one tells.
 */
export function neverOpened(error: unknown): WebSocketError {
  const message = error instanceof Error ? error.message : String(error)
  const failure = create(message, { closeCode: 1006, reason: '', cause: error })
  if (!(error instanceof HandshakeError)) return failure
  const { code, response, attempts, retriable, retryAfter, proxyStatus, cause } = error
  const told = { code, response, attempts, retriable, retryAfter, proxyStatus, cause }
  for (const [name, value] of Object.entries(told)) {
    Object.defineProperty(failure, name, { value, enumerable: true, configurable: true, writable: true })
  }
  Object.defineProperty(failure, BRAND, { value: (error as { [BRAND]?: unknown })[BRAND] })
  return failure
}

/** The dictionary, converted and checked. */
export function closeInfoOf(init: WebSocketCloseInfo | null | undefined): CloseInfo {
  if (init !== null && init !== undefined && typeof init !== 'object' && typeof init !== 'function') {
    throw new TypeError('What to close with has to be an object.')
  }
  const { closeCode, reason } = init ?? {}
  const code = closeCode === undefined ? undefined : shortInRange(closeCode, 'closeCode')
  return checkClose(code, reason === undefined ? '' : text(reason))
}
