/** The error codes of HTTP/2 (RFC 9113 §7). */

interface Http2Code {
  readonly name: string
  /** Whether the same handshake may succeed later, without anybody mending anything. */
  readonly retriable: boolean
}

const CODES: readonly Http2Code[] = [
  // Before an answer it is said by servers that go away.
  { name: 'NO_ERROR', retriable: true },
  { name: 'PROTOCOL_ERROR', retriable: false },
  { name: 'INTERNAL_ERROR', retriable: true },
  { name: 'FLOW_CONTROL_ERROR', retriable: false },
  { name: 'SETTINGS_TIMEOUT', retriable: true },
  { name: 'STREAM_CLOSED', retriable: false },
  { name: 'FRAME_SIZE_ERROR', retriable: false },
  { name: 'REFUSED_STREAM', retriable: true },
  // What a gateway says that has lost its backend, or its patience.
  { name: 'CANCEL', retriable: true },
  { name: 'COMPRESSION_ERROR', retriable: false },
  { name: 'CONNECT_ERROR', retriable: true },
  { name: 'ENHANCE_YOUR_CALM', retriable: true },
  { name: 'INADEQUATE_SECURITY', retriable: false },
  { name: 'HTTP_1_1_REQUIRED', retriable: false },
]

export const NO_ERROR = 0
export const PROTOCOL_ERROR = 1
export const REFUSED_STREAM = 7
export const HTTP_1_1_REQUIRED = 13

/** What a code means. One that is not known is an INTERNAL_ERROR (RFC 9113 §7), but keeps its number. */
export function http2Code(code: number): Http2Code {
  return CODES[code] ?? { name: `error ${code}`, retriable: true }
}
