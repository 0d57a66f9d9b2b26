export type { Cancellable, MessageData, SendOptions } from './arguments.ts'
export type { BackOffOptions } from './back-off.ts'
export { ClientWebSocket, connect } from './client-websocket.ts'
export type { MessageStream } from './driver/incoming-stream.ts'
export {
  ConnectionClosedError,
  type ErrorCode,
  type HandshakeAttempt,
  HandshakeError,
  type HandshakeErrorCode,
  type HandshakeErrorDetails,
  type HandshakeResponse,
  HawserError,
  InvalidStateError,
  MessageTooBigError,
  OptionsError,
  ProtocolError,
  TimeoutError,
} from './errors.ts'
export { type HeaderField, HttpHeaders } from './http-headers.ts'
export type {
  ClientWebSocketOptions,
  CookieJar,
  Credentials,
  Dispatcher,
  Fetcher,
  FetchFunction,
  HeadersInit,
  Http2Session,
  HttpVersion,
  HttpVersionPolicy,
  PerMessageDeflateOptions,
  TlsOptions,
} from './options.ts'
export type { Message } from './protocol/message-parts.ts'
export type { State } from './protocol/states.ts'
export { type BeforeAttempt, type ReconnectingOptions, reconnecting } from './reconnecting.ts'
export type { TelemetryEvents, Traffic } from './telemetry.ts'
export type { TransportName } from './transport/select.ts'
