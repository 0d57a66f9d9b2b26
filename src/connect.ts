/** From options to an open connection: picks the transport, makes the handshake, follows redirects, judges the answer. */
import { loadCodec, selectTransport } from '#platform'
import { BLOCK_BYTES, INPUT } from './codec/layout.ts'
import type { Connection } from './driver/connection.ts'
import { type Core, StreamDriver } from './driver/stream-driver.ts'
import { type HandshakeAttempt, HandshakeError, type HandshakeResponse } from './errors.ts'
import { acceptFor, verifyUpgrade } from './handshake/accept.ts'
import { isRedirect, MAX_REDIRECTS, redirectTarget, sameOrigin, withoutSecrets } from './handshake/redirect.ts'
import { isRetriable, retryAfter } from './handshake/refusal.ts'
import { buildRequest, type HandshakeRequest } from './handshake/request.ts'
import type { ResponseHead } from './handshake/response-head.ts'
import { httpUrl, printable } from './handshake/target-url.ts'
import { HandshakeLimit } from './handshake-limit.ts'
import { MaskingKeys } from './protocol/masking-keys.ts'
import type { ResolvedOptions } from './resolve-options.ts'
import type { Refused, Upgraded } from './transport/contracts.ts'
import type { Selection } from './transport/select.ts'

/** An open connection, and what is known of how it came to be. */
export interface Established {
  readonly connection: Connection
  readonly response: HandshakeResponse
  readonly subprotocol: string
  /** Where it ended up, after redirects. */
  readonly url: URL
  readonly transport: Selection['name']
}

const NO_BODY = new Uint8Array(0)
const maskingKeys = new MaskingKeys()

/**
 * Connects. Fails with a HandshakeError, or with the reason of the signal. Whatever the outcome, nothing but the connection
 * is left.
 */
export async function establish(
  url: URL,
  options: ResolvedOptions,
  signal: AbortSignal | undefined,
): Promise<Established> {
  signal?.throwIfAborted()
  const limit = new HandshakeLimit(options.handshakeTimeout, signal)
  let selection: Selection | undefined
  try {
    const core: Core = { ...loadCodec(), nextKey: maskingKeys.next }
    selection = await selectTransport(options, core.codec.memory.subarray(INPUT, INPUT + BLOCK_BYTES))
    return await new Handshake(url, options, selection, limit).run(core)
  } catch (error) {
    await selection?.discard()
    signal?.throwIfAborted()
    throw error
  } finally {
    limit.end()
  }
}

/** One call of connect: a request, and another for each redirect. */
class Handshake {
  #url: URL
  readonly #options: ResolvedOptions
  readonly #selection: Selection
  readonly #limit: HandshakeLimit
  /** Fields and credentials, as far as they may be sent to the current origin. */
  #headers: ResolvedOptions['headers']
  #credentials: ResolvedOptions['credentials']
  readonly #attempts: HandshakeAttempt[] = []

  constructor(url: URL, options: ResolvedOptions, selection: Selection, limit: HandshakeLimit) {
    this.#url = url
    this.#options = options
    this.#selection = selection
    this.#limit = limit
    this.#headers = options.headers
    this.#credentials = options.credentials
  }

  async run(core: Core): Promise<Established> {
    for (let redirects = 0; ; redirects++) {
      const answer = await this.#ask()
      if (answer.stream !== undefined) return this.#open(core, answer)
      if (!isRedirect(answer.head.status) || this.#options.redirect === 'error') throw this.#refusal(answer)
      this.#follow(answer, redirects)
    }
  }

  /** Sends one request; gives its answer once that has been judged. */
  async #ask(): Promise<Refused | (Upgraded & { readonly subprotocol: string })> {
    const { request, accept, answer } = await this.#send()
    if (this.#options.cookies !== undefined) await this.#storeCookies(answer.head)
    if (answer.stream === undefined) return answer
    try {
      const isHttp1 = answer.head.httpVersion === '1.1'
      const verified = verifyUpgrade(answer.head, request, isHttp1 ? accept : undefined)
      // The caller or the clock may have ended the handshake while cookies were stored.
      this.#limit.signal.throwIfAborted()
      return { ...answer, ...verified }
    } catch (error) {
      answer.stream.destroy()
      throw error instanceof HandshakeError ? this.#completed(error, answer.head, NO_BODY, false) : this.#failure(error)
    }
  }

  /** Sends one request; gives its answer as it came. */
  async #send(): Promise<{ request: HandshakeRequest; accept: string; answer: Refused | Upgraded }> {
    try {
      const { subprotocols } = this.#options
      const headers = this.#headers
      const credentials = this.#credentials
      const cookie = await this.#cookie()
      const request = buildRequest(this.#url, { headers, subprotocols, credentials, cookie })
      const accept = await acceptFor(request.key)
      return { request, accept, answer: await this.#selection.transport(request, this.#limit.signal) }
    } catch (error) {
      throw this.#failure(error)
    }
  }

  async #cookie(): Promise<string | undefined> {
    return await this.#limit.race(this.#options.cookies?.getCookieString(httpUrl(this.#url)))
  }

  /** A cookie that the jar refuses is not stored; the handshake is none the worse for it. */
  async #storeCookies(head: ResponseHead): Promise<void> {
    for (const cookie of head.headers.getSetCookie()) {
      try {
        await this.#limit.race(this.#options.cookies?.setCookie(cookie, httpUrl(this.#url)))
      } catch {}
    }
  }

  #open(core: Core, answer: Upgraded & { readonly subprotocol: string }): Established {
    return {
      connection: new StreamDriver(answer.stream, core, this.#options),
      response: responseOf(answer.head, NO_BODY, false),
      subprotocol: answer.subprotocol,
      url: this.#url,
      transport: this.#selection.name,
    }
  }

  #follow(answer: Refused, redirects: number): void {
    const { head, body, bodyTruncated } = answer
    try {
      if (redirects === MAX_REDIRECTS) {
        throw new HandshakeError(
          'REDIRECT_REFUSED',
          `More than ${MAX_REDIRECTS} redirects, the last from ${this.#where}`,
        )
      }
      const target = redirectTarget(this.#url, head)
      this.#note(head.httpVersion, head.status, undefined)
      if (!sameOrigin(this.#url, target)) {
        this.#headers = withoutSecrets(this.#headers)
        this.#credentials = undefined
      }
      this.#url = target
    } catch (error) {
      throw this.#completed(error as HandshakeError, head, body, bodyTruncated)
    }
  }

  #refusal({ head, body, bodyTruncated }: Refused): HandshakeError {
    const status = `${head.status} ${head.statusText}`.trim()
    const error = new HandshakeError('UPGRADE_REFUSED', `${this.#where} answered ${status} instead of upgrading`, {
      retriable: isRetriable(head.status),
    })
    return this.#completed(error, head, body, bodyTruncated)
  }

  /** What went wrong before there was a response. The caller's own reason is left as it is. */
  #failure(error: unknown): unknown {
    if (error instanceof HandshakeError) return this.#completed(error, undefined, NO_BODY, false)
    if (!this.#limit.expired || error !== this.#limit.signal.reason) return error
    const message = `${this.#where} did not answer within ${this.#options.handshakeTimeout} ms`
    const timeout = new HandshakeError('HANDSHAKE_TIMEOUT', message, { retriable: true })
    return this.#completed(timeout, undefined, NO_BODY, false)
  }

  /** The error with all that is known, for the last attempt of several. */
  #completed(
    error: HandshakeError,
    head: ResponseHead | undefined,
    body: Uint8Array,
    bodyTruncated: boolean,
  ): HandshakeError {
    this.#note(head?.httpVersion ?? '1.1', head?.status ?? 0, error.code)
    const keeps = head !== undefined && this.#options.collectHttpResponseDetails
    return new HandshakeError(error.code, error.message, {
      ...('cause' in error ? { cause: error.cause } : {}),
      response: keeps ? responseOf(head, body, bodyTruncated) : undefined,
      attempts: this.#attempts,
      retriable: error.retriable,
      retryAfter: head && error.retriable ? retryAfter(head.headers, Date.now()) : undefined,
      proxyStatus: error.proxyStatus,
    })
  }

  #note(httpVersion: '1.1' | '2', status: number, error: HandshakeAttempt['error']): void {
    const attempt = { url: this.#where, transport: this.#selection.name, httpVersion, status }
    this.#attempts.push(error === undefined ? attempt : { ...attempt, error })
  }

  get #where(): string {
    return printable(this.#url)
  }
}

function responseOf(head: ResponseHead, body: Uint8Array, bodyTruncated: boolean): HandshakeResponse {
  const { status, statusText, headers, httpVersion } = head
  return { status, statusText, headers, httpVersion, body, bodyTruncated }
}
