/** The options of the command: what `parseArgs` of Node reads, and what the help shows, in one table. */
export interface OptionEntry {
  readonly type: 'string' | 'boolean'
  readonly short?: string
  readonly multiple?: boolean
  /** How the help names the value. */
  readonly value?: string
  /** Lines of at most 50 characters. */
  readonly help: readonly string[]
}

export const OPTIONS = {
  header: {
    type: 'string',
    short: 'H',
    multiple: true,
    value: '"NAME: VALUE"',
    help: ['sends another header; may be repeated'],
  },
  subprotocol: {
    type: 'string',
    short: 's',
    multiple: true,
    value: 'NAME',
    help: ['offers a subprotocol; may be repeated,', 'the preferred one first'],
  },
  http2: {
    type: 'boolean',
    help: ['asks for HTTP/2, and goes on with HTTP/1.1 if the', 'server has none; over ws: only with --exact'],
  },
  'http1.1': {
    type: 'boolean',
    help: ['asks for HTTP/1.1; that is the default'],
  },
  exact: {
    type: 'boolean',
    help: ['takes no other version than --http2 or --http1.1', 'asks for'],
  },
  json: {
    type: 'boolean',
    help: ['prints the outcome of the handshake as one JSON', 'object on stdout, and ends; times are in ms'],
  },
  ping: {
    type: 'boolean',
    help: ['measures five round trips, and ends'],
  },
  wait: {
    type: 'string',
    short: 'w',
    value: 'SECONDS',
    help: [
      'closes when, after the end of stdin, no message',
      'has come for so long; "forever" leaves that to',
      'the server (default 0.5; 0 in a terminal)',
    ],
  },
  timeout: {
    type: 'string',
    value: 'SECONDS',
    help: ['limits the handshake; 0: no limit (default 30)'],
  },
  follow: {
    type: 'boolean',
    help: ['follows redirects, at most 5'],
  },
  proxy: {
    type: 'string',
    value: 'URL|env',
    help: ['goes through an http:, https: or socks5: proxy;', 'env: as HTTP_PROXY, HTTPS_PROXY, NO_PROXY say'],
  },
  ca: {
    type: 'string',
    value: 'FILE',
    help: ['trusts these certificates (PEM), no others'],
  },
  insecure: {
    type: 'boolean',
    help: ['accepts any certificate: only for tests'],
  },
  help: {
    type: 'boolean',
    short: 'h',
    help: ['prints this'],
  },
  version: {
    type: 'boolean',
    short: 'V',
    help: ['prints the version'],
  },
} as const satisfies Readonly<Record<string, OptionEntry>>
