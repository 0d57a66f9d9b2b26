/**
 * From options to an open connection: picks the transport, makes the handshake, follows redirects, judges the answer.
 */
import { loadFraming, openSocket, selectTransport } from '#platform'
import type { Connection } from './driver/connection.ts'
import { type HandshakeAttempt, HandshakeError, type HandshakeResponse } from './errors.ts'
import type { Accepted } from './handshake/accept.ts'
import { checkExtension } from './handshake/deflate-offer.ts'
import { isRetriable, retryAfter } from './handshake/refusal.ts'
import { buildRequest, type HandshakeRequest } from './handshake/request.ts'
import type { ResponseHead } from './handshake/response-head.ts'
import { chosenSubprotocol } from './handshake/subprotocol.ts'
import { httpUrl, printable } from './handshake/target-url.ts'
import type { HandshakeLimit } from './handshake-limit.ts'
import type { HttpVersion } from './options.ts'
import type { ResolvedOptions } from './resolve-options.ts'
import { observatory, type SocketTelemetry } from './telemetry.ts'
import type { Refused, Upgraded, UpgradedSocket } from './transport/contracts.ts'
import type { Selection, TransportName } from './transport/select.ts'

/** An open connection, and what is known of how it came to be. */
export interface Established {
  readonly connection: Connection
  readonly response: HandshakeResponse
  readonly subprotocol: string
  /** As in Sec-WebSocket-Extensions. */
  readonly extensions: string
  /** Where it ended up, after redirects. */
  readonly url: URL
  readonly transport: TransportName
}

/** What the web's classes add to the rules of RFC 6455. */
export interface HandshakeOptions extends ResolvedOptions {
  /**
   * Judges the subprotocol that the server chose, empty if none, before there is a connection: fails with a
   * HandshakeError.
   */
  readonly judge?: (subprotocol: string) => void
}

/** What an answer was, in short. */
type Summary = Pick<HandshakeAttempt, 'status' | 'httpVersion' | 'transport'>

const NO_BODY = new Uint8Array(0)
type RedirectRules = typeof import('./handshake/redirect.ts')

/** An answer that switched protocols. */
type Opened = Upgraded | UpgradedSocket
type Answer = Opened | Refused

/**
 * Connects, and hands the connection to `take`. Fails with a HandshakeError, or with the caller's reason. Whatever the
 * outcome, nothing but the connection is left.
 */
export async function establish(
  url: URL,
  options: HandshakeOptions,
  limit: HandshakeLimit,
  take: (established: Established) => void,
): Promise<void> {
  limit.signal.throwIfAborted()
  const telemetry = observatory.observe(printable(url))
  try {
    const established = await new Handshake(url, options, limit, telemetry).run()
    if (!limit.isCancelled) return take(established)
    established.connection.abort(limit.signal.reason)
  } catch (error) {
    telemetry?.failed(error, limit.isCancelled)
    if (!limit.isCancelled) throw error
  } finally {
    limit.end()
  }
  limit.signal.throwIfAborted()
}

/** One call of connect: a request, and another for each redirect. */
class Handshake {
  #url: URL
  readonly #options: HandshakeOptions
  readonly #limit: HandshakeLimit
  readonly #telemetry: SocketTelemetry | undefined
  #selection: Selection | undefined
  /** In which the request is being made. */
  #version: HttpVersion = '1.1'
  /** What may be sent to the current origin. */
  #headers: ResolvedOptions['headers']
  #credentials: ResolvedOptions['credentials']
  #tls: ResolvedOptions['tls']
  readonly #attempts: HandshakeAttempt[] = []

  constructor(url: URL, options: HandshakeOptions, limit: HandshakeLimit, telemetry: SocketTelemetry | undefined) {
    this.#url = url
    this.#options = options
    this.#limit = limit
    this.#telemetry = telemetry
    this.#headers = options.headers
    this.#credentials = options.credentials
    this.#tls = options.tls
  }

  async run(): Promise<Established> {
    try {
      for (let redirects = 0; ; redirects++) {
        const answer = await this.#ask()
        if ('connection' in answer) return answer
        // Few follow redirects: the rest need not load how.
        const rules = this.#options.redirect === 'follow' ? await import('./handshake/redirect.ts') : undefined
        if (!rules?.isRedirect(answer.head.status)) throw this.#refusal(answer)
        this.#follow(answer, redirects, rules)
      }
    } catch (error) {
      this.#discardSelection()
      throw error
    }
  }

  /** Sends one request; gives what has become of its answer. */
  async #ask(): Promise<Refused | Established> {
    const { request, answer } = await this.#send()
    this.#telemetry?.responded(this.#where, this.#summary(answer.head))
    try {
      await this.#storeCookies(answer.head)
      if (answer.body !== undefined) return answer
      const accepted = await this.#verify(answer, request)
      this.#options.judge?.(accepted.subprotocol)
      // The caller or the clock may have ended the handshake meanwhile.
      this.#limit.signal.throwIfAborted()
      return await this.#open({ ...answer, ...accepted })
    } catch (error) {
      discard(answer)
      throw this.#failure(error, answer)
    }
  }

  async #verify({ head, stream }: Opened, request: HandshakeRequest): Promise<Accepted> {
    if (stream !== undefined) return await (await loadFraming()).verify(head, request)
    // The runtime behind a fetch has checked the rest, and chosen the key: but a caller's own may answer anything.
    checkExtension(head.headers)
    return { subprotocol: chosenSubprotocol(head.headers, request.subprotocols), deflate: undefined }
  }

  /** Sends one request; gives its answer as it came. */
  async #send(): Promise<{ request: HandshakeRequest; answer: Answer }> {
    try {
      const { transport, versionFor } = await this.#select()
      const { subprotocols, perMessageDeflate: deflate } = this.#options
      const headers = this.#headers
      const credentials = this.#credentials
      const cookie = await this.#cookie()
      const request = buildRequest(this.#url, { headers, subprotocols, deflate, credentials, cookie })
      this.#version = versionFor(this.#url)
      return { request, answer: await transport(request, this.#limit.signal, this.#onDowngrade) }
    } catch (error) {
      throw this.#failure(error)
    }
  }

  async #select(): Promise<Selection> {
    const options = { ...this.#options, tls: this.#tls }
    this.#selection ??= await selectTransport(options, loadFraming)
    // The runtime behind a fetch compresses by itself.
    const compresses = options.perMessageDeflate !== undefined && this.#selection.names['1.1'] !== 'fetch'
    if (compresses) await (await loadFraming()).checkCompression()
    return this.#selection
  }

  /** What undici does not manage to end is no reason to keep the caller waiting. */
  #discardSelection(): void {
    this.#selection?.discard().catch(() => {})
    this.#selection = undefined
  }

  async #cookie(): Promise<string | undefined> {
    const { cookies } = this.#options
    if (cookies === undefined) return undefined
    try {
      return await this.#limit.race(cookies.getCookieString(httpUrl(this.#url)))
    } catch (cause) {
      this.#limit.signal.throwIfAborted()
      throw new HandshakeError('CLIENT_FAILED', `The cookie jar failed for ${this.#where}`, { cause })
    }
  }

  /** A cookie that the jar refuses is not stored; the handshake is none the worse for it. */
  async #storeCookies(head: ResponseHead): Promise<void> {
    const { cookies } = this.#options
    if (cookies === undefined) return
    for (const cookie of head.headers.getSetCookie()) {
      try {
        await this.#limit.race(cookies.setCookie(cookie, httpUrl(this.#url)))
      } catch {
        this.#limit.signal.throwIfAborted()
      }
    }
  }

  async #open(answer: Opened & Accepted): Promise<Established> {
    const extensions = answer.head.headers.getAll('sec-websocket-extensions').join(', ')
    const summary = this.#summary(answer.head)
    const connection = await this.#connection(answer)
    this.#telemetry?.opened({ ...summary, extensions })
    return {
      connection,
      response: responseOf(answer),
      subprotocol: answer.subprotocol,
      extensions,
      url: this.#url,
      transport: summary.transport,
    }
  }

  #summary({ status, httpVersion }: ResponseHead): Summary {
    return { status, httpVersion, transport: this.#selection!.names[httpVersion] }
  }

  async #connection(answer: Opened & Accepted): Promise<Connection> {
    if (answer.socket === undefined) {
      const framing = await loadFraming()
      return await framing.open(answer.stream, answer.deflate, this.#options, this.#telemetry)
    }
    try {
      return await openSocket(answer.socket, this.#options, this.#telemetry)
    } catch (cause) {
      throw new HandshakeError('CLIENT_FAILED', 'The webSocket of the fetch cannot be used; see `cause`', { cause })
    }
  }

  /** HTTP/2 cannot be had: the transport goes on with HTTP/1.1. */
  readonly #onDowngrade = (error: HandshakeError | undefined): void => {
    if (error !== undefined) this.#note({ status: 0, httpVersion: '2' }, error.code)
    this.#version = '1.1'
  }

  #follow(answer: Refused, redirects: number, rules: RedirectRules): void {
    try {
      if (redirects === rules.MAX_REDIRECTS) {
        const message = `More than ${rules.MAX_REDIRECTS} redirects, the last from ${this.#where}`
        throw new HandshakeError('REDIRECT_REFUSED', message)
      }
      const target = rules.redirectTarget(this.#url, answer.head)
      this.#note(answer.head, undefined)
      if (rules.sameOrigin(this.#url, target)) keepUserinfo(this.#url, target)
      else this.#leaveOrigin(rules)
      this.#url = target
    } catch (error) {
      throw this.#failure(error, answer)
    }
  }

  /** Nothing that was meant for one origin goes to another: not in a field, and not in TLS. */
  #leaveOrigin(rules: RedirectRules): void {
    this.#headers = rules.withoutSecrets(this.#headers)
    this.#credentials = undefined
    if (this.#tls === undefined) return
    const { cert: _cert, key: _key, pfx: _pfx, passphrase: _passphrase, servername: _name, ...others } = this.#tls
    this.#tls = others
    this.#discardSelection()
  }

  #refusal(answer: Refused): unknown {
    const { status, statusText } = answer.head
    const message = `${this.#where} answered ${`${status} ${statusText}`.trim()} instead of upgrading`
    const error = new HandshakeError('UPGRADE_REFUSED', message, { retriable: isRetriable(status) })
    return this.#failure(error, answer)
  }

  /** The error of the last attempt, with all that is known. The caller's own reason is left as it is. */
  #failure(error: unknown, answer?: Answer): unknown {
    const cause = this.#limit.expired && error === this.#limit.signal.reason ? this.#timeout(answer) : error
    if (!(cause instanceof HandshakeError)) return error
    this.#note(answer?.head, cause.code)
    const keeps = answer !== undefined && this.#options.collectHttpResponseDetails
    return new HandshakeError(cause.code, this.#located(cause.message), {
      ...('cause' in cause ? { cause: cause.cause } : {}),
      response: keeps ? responseOf(answer) : undefined,
      attempts: this.#attempts,
      retriable: cause.retriable,
      retryAfter: answer && cause.retriable ? retryAfter(answer.head.headers, Date.now()) : undefined,
      proxyStatus: cause.proxyStatus,
    })
  }

  /** What judges an answer does not know where it came from. */
  #located(message: string): string {
    return message.includes(this.#url.origin) ? message : `${this.#where}: ${message}`
  }

  #timeout(answer: Answer | undefined): HandshakeError {
    const what =
      answer === undefined ? `${this.#where} did not answer` : `The handshake with ${this.#where} did not end`
    const message = `${what} within ${this.#options.handshakeTimeout} ms`
    return new HandshakeError('HANDSHAKE_TIMEOUT', message, { retriable: true })
  }

  #note(head: Pick<ResponseHead, 'status' | 'httpVersion'> | undefined, error: HandshakeAttempt['error']): void {
    const { status, httpVersion } = head ?? { status: 0, httpVersion: this.#version }
    const transport = this.#selection?.names[httpVersion] ?? 'tcp'
    const attempt = { url: this.#where, transport, httpVersion, status }
    this.#attempts.push(error === undefined ? attempt : { ...attempt, error })
  }

  get #where(): string {
    return printable(this.#url)
  }
}

/** On the same origin the userinfo of the URL goes on to count, as `credentials` does. */
function keepUserinfo(from: URL, to: URL): void {
  to.username = from.username
  to.password = from.password
}

/** Lets go of an answer that will not be used. */
function discard({ stream, socket }: Answer): void {
  stream?.destroy()
  socket?.terminate()
}

function responseOf(answer: Answer): HandshakeResponse {
  const { status, statusText, headers, httpVersion } = answer.head
  const { body = NO_BODY, bodyTruncated = false } = answer
  return { status, statusText, headers, httpVersion, body, bodyTruncated }
}
