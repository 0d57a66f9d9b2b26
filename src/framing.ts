/**
 * All that makes a WebSocket connection of a stream of bytes: the check of the handshake, the masking keys, the
 * protocol and its driver. Where the runtime frames, nothing of it is needed.
 */
import type { CodecInstance } from './codec/instance.ts'
import { BLOCK_BYTES, INPUT } from './codec/layout.ts'
import type { Connection } from './driver/connection.ts'
import { StreamDriver, type StreamDriverOptions } from './driver/stream-driver.ts'
import { OptionsError } from './errors.ts'
import { type Accepted, acceptFor, verifyUpgrade } from './handshake/accept.ts'
import type { HandshakeRequest } from './handshake/request.ts'
import type { ResponseHead } from './handshake/response-head.ts'
import { randomWord } from './random-words.ts'
import type { SocketTelemetry } from './telemetry.ts'
import type { ByteStream } from './transport/contracts.ts'

export interface Framing {
  /** Where reads of hawser's own sockets may land, so that the codec finds them in its memory. */
  readonly readBuffer: Uint8Array
  /** Fails with an OptionsError if messages cannot be compressed here. */
  checkCompression(): Promise<void>
  /** Checks an answer that switched protocols, and gives what the server chose. Fails with a HandshakeError. */
  verify(head: ResponseHead, request: HandshakeRequest): Promise<Accepted>
  /** Speaks the protocol on a stream on which the handshake is over. */
  open(
    stream: ByteStream,
    agreed: Accepted['deflate'],
    options: FramingOptions,
    telemetry: SocketTelemetry | undefined,
  ): Promise<Connection>
}

export interface FramingOptions extends StreamDriverOptions {
  readonly perMessageDeflate: { readonly threshold: number } | undefined
}

/** Few connections need it. */
const loadDeflate = () => import('./deflate/compression.ts')

let framing: Framing | undefined

/** Of this thread, as `instance` is its codec. */
export function createFraming(instance: CodecInstance): Framing {
  framing ??= framingOn(instance)
  return framing
}

function framingOn(instance: CodecInstance): Framing {
  const core = { ...instance, nextKey: randomWord }
  return {
    readBuffer: core.codec.memory.subarray(INPUT, INPUT + BLOCK_BYTES),
    checkCompression,
    verify,
    open: async (stream, agreed, options, telemetry) => {
      const deflate = agreed && (await loadDeflate())
      const compression = deflate?.createCompression(agreed!, options.perMessageDeflate!.threshold)
      const parts = compression === undefined ? core : { ...core, compression }
      return new StreamDriver(stream, parts, driverOptions(options), telemetry)
    },
  }
}

/** Those of the socket before, for all sockets of the thread: most have the same, which are then kept once. */
let lastOptions: StreamDriverOptions | undefined

/** What the driver needs of the options. */
function driverOptions(options: StreamDriverOptions): StreamDriverOptions {
  const { allowHalfOpen, maxMessageSize, maxFragments, highWaterMark } = options
  const { closeTimeout, keepAliveInterval, keepAliveTimeout } = options
  const times = { closeTimeout, keepAliveInterval, keepAliveTimeout }
  const own: StreamDriverOptions = { allowHalfOpen, maxMessageSize, maxFragments, highWaterMark, ...times }
  const last = lastOptions
  const names = Object.keys(own) as (keyof StreamDriverOptions)[]
  if (last === undefined || names.some((name) => own[name] !== last[name])) lastOptions = own
  return lastOptions!
}

async function checkCompression(): Promise<void> {
  if ((await loadDeflate()).canCompress()) return
  const message = 'perMessageDeflate needs node:zlib, which this runtime lacks: in Workers, set nodejs_compat.'
  throw new OptionsError('perMessageDeflate', message)
}

async function verify(head: ResponseHead, request: HandshakeRequest): Promise<Accepted> {
  // RFC 8441 §5: over HTTP/2 there is no key to prove.
  const accept = head.httpVersion === '1.1' ? await acceptFor(request.key) : undefined
  return verifyUpgrade(head, request, accept)
}
