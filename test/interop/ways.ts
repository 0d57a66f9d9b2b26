/** The ways to connect to a server: with and without TLS, over HTTP/1.1 and HTTP/2. */
import type { ClientWebSocketOptions } from '../../src/index.ts'

export interface Way {
  readonly scheme: 'ws' | 'wss'
  readonly httpVersion: '1.1' | '2'
}

export const WAYS = {
  'ws over HTTP/1.1': { scheme: 'ws', httpVersion: '1.1' },
  'wss over HTTP/1.1': { scheme: 'wss', httpVersion: '1.1' },
  'wss over HTTP/2': { scheme: 'wss', httpVersion: '2' },
  'ws over HTTP/2': { scheme: 'ws', httpVersion: '2' },
} as const satisfies Record<string, Way>

export type WayName = keyof typeof WAYS

/** The options that go this way and no other. */
export function optionsFor(way: Way, ca: string): ClientWebSocketOptions {
  return {
    httpVersion: way.httpVersion,
    httpVersionPolicy: 'exact',
    ...(way.scheme === 'wss' ? { tls: { ca } } : {}),
  }
}
