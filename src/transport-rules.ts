/** Which options go with which transport. What cannot work is refused before anything is sent. */
import { OptionsError } from './errors.ts'
import { planOf } from './handshake/http-version.ts'
import type { ClientWebSocketOptions, HttpVersion, HttpVersionPolicy } from './options.ts'

/** The longest message that the runtime behind a fetch takes in, in bytes. */
const FETCH_MESSAGE_LIMIT = 32 * 1024 * 1024

/** An option that asks for something that only a socket of hawser's own can do. */
export interface TcpNeed {
  readonly option: string
  /** How errors call it. */
  readonly what: string
}

const isOn = (time: number | undefined) => time !== undefined && time !== 0 && time !== Infinity

/** The options that need a socket of hawser's own, each with the question whether it is one of those. */
const NEEDS: readonly (readonly [TcpNeed, (options: ClientWebSocketOptions) => boolean])[] = [
  [need('keepAliveInterval'), ({ keepAliveInterval }) => isOn(keepAliveInterval)],
  [need('keepAliveTimeout'), ({ keepAliveTimeout }) => isOn(keepAliveTimeout)],
  [need('highWaterMark'), ({ highWaterMark }) => highWaterMark !== undefined],
  [
    need('perMessageDeflate', 'perMessageDeflate with parameters'),
    ({ perMessageDeflate }) => typeof perMessageDeflate === 'object',
  ],
  [need('maxFragments'), ({ maxFragments }) => maxFragments !== undefined],
  [
    need('maxMessageSize', 'A maxMessageSize above 32 MiB'),
    ({ maxMessageSize = 0 }) => maxMessageSize > FETCH_MESSAGE_LIMIT,
  ],
]

function need(option: string, what = option): TcpNeed {
  return { option, what }
}

/**
 * The first thing that only a socket of hawser's own can do; undefined if there is none. The options have been checked.
 */
export function tcpNeed(
  options: ClientWebSocketOptions,
  headers: readonly (readonly [string, string])[],
): TcpNeed | undefined {
  const found = NEEDS.find(([, isNeeded]) => isNeeded(options))
  if (found !== undefined) return found[0]
  return headers.some(([name]) => name.toLowerCase() === 'host') ? need('headers', 'A Host header') : undefined
}

/** What the rules look at. */
export interface TransportOptions {
  readonly transport: 'auto' | 'fetch' | 'tcp'
  readonly fetch: unknown
  readonly dispatcher: unknown
  readonly session: unknown
  readonly proxy: unknown
  readonly httpVersion: HttpVersion
  readonly httpVersionPolicy: HttpVersionPolicy
  readonly tcpNeed: TcpNeed | undefined
}

/** Throws an OptionsError for options that contradict the transport, in whatever runtime. */
export function checkTransport(options: TransportOptions): void {
  const { transport, fetch, tcpNeed } = options
  if (transport === 'tcp') checkTcp(options)
  if (transport === 'fetch') refuseClients(options, ['dispatcher', 'session'])
  if (tcpNeed !== undefined && (fetch !== undefined || transport === 'fetch')) {
    throw new OptionsError(tcpNeed.option, `${tcpNeed.what} needs transport 'tcp': leave it out beside fetch.`)
  }
}

function checkTcp(options: TransportOptions): void {
  refuseClients(options, ['fetch', 'dispatcher', 'session', 'proxy'])
  if (planOf(options.httpVersion, options.httpVersionPolicy, true) === 'http2') {
    throw new OptionsError('httpVersion', "transport 'tcp' speaks HTTP/1.1: use '1.1', or the policy 'or-lower'.")
  }
}

function refuseClients(options: TransportOptions, names: readonly ('fetch' | 'dispatcher' | 'session' | 'proxy')[]) {
  const given = names.find((name) => options[name] !== undefined)
  if (given === undefined) return
  throw new OptionsError(
    'transport',
    `${given} is not reached by transport '${options.transport}': leave one of them out.`,
  )
}
