/** What the failures of Node's sockets, its TLS and its resolver mean for a handshake. */
import { HandshakeError, type HandshakeErrorCode } from '../errors.ts'

interface Meaning {
  readonly code: HandshakeErrorCode
  /** Whether the same call may succeed later, without anybody mending anything. */
  readonly retriable: boolean
  /** What happened and what to do about it. */
  readonly message: string
}

function retriable(code: HandshakeErrorCode, message: string): Meaning {
  return { code, retriable: true, message }
}

function final(code: HandshakeErrorCode, message: string): Meaning {
  return { code, retriable: false, message }
}

const REFUSED = retriable('CONNECTION_REFUSED', 'nothing listens at that address and port')
const LOST = retriable('CONNECTION_LOST', 'the connection was lost before the response was complete')
const UNREACHABLE = retriable('NETWORK_FAILED', 'there is no way to that address from here')
const TOO_LATE = retriable('NETWORK_FAILED', 'the server did not answer in time')
const EXHAUSTED = retriable('NETWORK_FAILED', 'this machine has run out of sockets, ports or memory')
const FORBIDDEN = final('NETWORK_FAILED', 'this process has no permission to open that connection')
const UNUSABLE = final('NETWORK_FAILED', 'this machine cannot use that kind of address')
const NO_HOST = final('HOST_NOT_FOUND', 'the name of the host has no address; look at its spelling')
const NO_NAME_SERVER = retriable('HOST_NOT_FOUND', 'the name server did not answer')

/** Where TLS is set up: beside a caller's own client, there is no option `tls`. */
const OR_YOUR_CLIENT = 'or the TLS options of your HTTP client'

const UNTRUSTED = final(
  'TLS_FAILED',
  `the server's certificate is not trusted; trust its authority: \`tls.ca\`, ${OR_YOUR_CLIENT}`,
)
const WRONG_NAME = final(
  'TLS_FAILED',
  `the server's certificate is for another name; connect by that name, or set it: \`tls.servername\`, ${OR_YOUR_CLIENT}`,
)
const OUT_OF_DATE = final(
  'TLS_FAILED',
  "the server's certificate is not valid at this time; it needs a new one, or the clock here is wrong",
)
const BAD_CERTIFICATE = final('TLS_FAILED', "the server's certificate was refused")
const BAD_CLIENT_CERTIFICATE = final(
  'TLS_FAILED',
  `the server wants another certificate of the client: \`tls.cert\` and \`tls.key\`, ${OR_YOUR_CLIENT}`,
)
const BAD_MATERIAL = final(
  'TLS_FAILED',
  `a certificate, key or passphrase cannot be used; look at \`tls\`, ${OR_YOUR_CLIENT}`,
)
const NOT_TLS = final(
  'TLS_FAILED',
  'what answered does not speak TLS; a server without TLS has the scheme ws:, and a proxy without it http:',
)
const NO_PROTOCOL = final(
  'TLS_FAILED',
  'the server speaks none of the versions of HTTP that were offered; look at `httpVersion`',
)
const NO_AGREEMENT = final(
  'TLS_FAILED',
  `TLS could not be agreed on; look at what the server supports, and at \`tls\`, ${OR_YOUR_CLIENT}`,
)

/** The alert of RFC 7301 §3.2, as OpenSSL calls it. */
const NO_PROTOCOL_ALERT = 'ERR_SSL_TLSV1_ALERT_NO_APPLICATION_PROTOCOL'

/** By the `code` that libuv, Node, OpenSSL's verification and undici give their errors. */
const MEANINGS: Readonly<Record<string, Meaning>> = {
  ECONNREFUSED: REFUSED,

  ECONNRESET: LOST,
  ECONNABORTED: LOST,
  EPIPE: LOST,
  ERR_STREAM_PREMATURE_CLOSE: LOST,
  ERR_HTTP2_GOAWAY_SESSION: LOST,
  ERR_HTTP2_STREAM_CANCEL: LOST,
  // undici's "other side closed".
  UND_ERR_SOCKET: LOST,

  ENOTFOUND: NO_HOST,
  EAI_AGAIN: NO_NAME_SERVER,

  EHOSTUNREACH: UNREACHABLE,
  EHOSTDOWN: UNREACHABLE,
  ENETUNREACH: UNREACHABLE,
  ENETDOWN: UNREACHABLE,
  ENETRESET: UNREACHABLE,
  ETIMEDOUT: TOO_LATE,
  ERR_SOCKET_CONNECTION_TIMEOUT: TOO_LATE,
  UND_ERR_CONNECT_TIMEOUT: TOO_LATE,
  UND_ERR_HEADERS_TIMEOUT: TOO_LATE,
  EADDRNOTAVAIL: EXHAUSTED,
  EMFILE: EXHAUSTED,
  ENFILE: EXHAUSTED,
  ENOBUFS: EXHAUSTED,
  ENOMEM: EXHAUSTED,
  EACCES: FORBIDDEN,
  EPERM: FORBIDDEN,
  ERR_ACCESS_DENIED: FORBIDDEN,
  EAFNOSUPPORT: UNUSABLE,
  EINVAL: UNUSABLE,

  DEPTH_ZERO_SELF_SIGNED_CERT: UNTRUSTED,
  SELF_SIGNED_CERT_IN_CHAIN: UNTRUSTED,
  UNABLE_TO_GET_ISSUER_CERT: UNTRUSTED,
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: UNTRUSTED,
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: UNTRUSTED,
  CERT_UNTRUSTED: UNTRUSTED,
  ERR_TLS_CERT_ALTNAME_INVALID: WRONG_NAME,
  HOSTNAME_MISMATCH: WRONG_NAME,
  CERT_HAS_EXPIRED: OUT_OF_DATE,
  CERT_NOT_YET_VALID: OUT_OF_DATE,
  ERR_SSL_WRONG_VERSION_NUMBER: NOT_TLS,
  ERR_SSL_PACKET_LENGTH_TOO_LONG: NOT_TLS,
  ERR_SSL_HTTP_REQUEST: NOT_TLS,
  [NO_PROTOCOL_ALERT]: NO_PROTOCOL,
  EPROTO: NO_AGREEMENT,
  ERR_MISSING_PASSPHRASE: BAD_MATERIAL,
}

/** The codes that Node builds from OpenSSL's names, of which there are hundreds; the first pattern that fits. */
const PATTERNS: readonly (readonly [RegExp, Meaning])[] = [
  [/^(CERT|CRL|UNABLE_TO|ERROR_IN|PATH_LENGTH)_|^INVALID_(CA|PURPOSE)$/, BAD_CERTIFICATE],
  // The alerts of RFC 8446 §6.2 that a server answers to the client's certificate, or to the lack of one.
  [/^ERR_SSL_.*ALERT_(BAD_|NO_|UNSUPPORTED_)?CERTIFICATE|^ERR_SSL_.*ALERT_UNKNOWN_CA/, BAD_CLIENT_CERTIFICATE],
  [/^ERR_(OSSL|CRYPTO)_/, BAD_MATERIAL],
  [/^ERR_(SSL|TLS)_/, NO_AGREEMENT],
]

/** What an error of which the tables know nothing means, by who reported it. */
const UNKNOWN = {
  NETWORK_FAILED: final('NETWORK_FAILED', 'the connection failed; see `cause`'),
  TLS_FAILED: final('TLS_FAILED', "the server's certificate was refused; see `cause`"),
  CLIENT_FAILED: final('CLIENT_FAILED', 'the HTTP client failed; see `cause`'),
  // What is wrong with a pfx has no code.
  BAD_MATERIAL,
} as const

/**
 * The HandshakeError for a failure that came instead of a response.
 *
 * @param cause what Node or an HTTP client over it reported; becomes the error's `cause`
 * @param where the server, to be shown: a URL without userinfo, query and fragment, and the proxy on the way to it, if
 * there is one
 * @param unknown what a cause means that is not known
 */
export function networkError(
  cause: unknown,
  where: string,
  unknown: keyof typeof UNKNOWN = 'NETWORK_FAILED',
): HandshakeError {
  const meaning = meaningOf(cause, MAX_DEPTH) ?? UNKNOWN[unknown]
  const code = codeOf(cause)
  const detail = code === undefined ? '' : ` (${code})`
  const message = `Cannot connect to ${where}: ${meaning.message}${detail}`
  return new HandshakeError(meaning.code, message, { cause, retriable: meaning.retriable })
}

/** A chain of causes may be a ring. */
const MAX_DEPTH = 8

/** An error means what its code says, or else what its cause means. */
function meaningOf(error: unknown, depth: number): Meaning | undefined {
  if (!(error instanceof Error) || depth === 0) return undefined
  if (error instanceof AggregateError) return mostTelling(error.errors.map((each) => meaningOf(each, depth - 1)))
  return meaningOfCode(codeOf(error)) ?? meaningOf(error.cause, depth - 1)
}

/**
 * Node tries every address of a host and reports all failures together. That this machine has no route to one of them,
 * as without IPv6, says nothing when another one answered.
 */
function mostTelling(meanings: readonly (Meaning | undefined)[]): Meaning | undefined {
  const known = meanings.filter((each) => each !== undefined)
  return known.find((each) => each !== UNREACHABLE && each !== UNUSABLE && each !== EXHAUSTED) ?? known[0]
}

function meaningOfCode(code: string | undefined): Meaning | undefined {
  if (code === undefined) return undefined
  if (Object.hasOwn(MEANINGS, code)) return MEANINGS[code]
  return PATTERNS.find(([pattern]) => pattern.test(code))?.[1]
}

/** Whether this is the server's answer to ALPN that it speaks none of the versions of HTTP which were offered. */
export function isProtocolRefused(error: unknown): boolean {
  return codeOf(error) === NO_PROTOCOL_ALERT
}

function codeOf(error: unknown): string | undefined {
  const code = (error as { code?: unknown } | null | undefined)?.code
  return typeof code === 'string' ? code : undefined
}
