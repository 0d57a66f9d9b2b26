import { readFileSync } from 'node:fs'
import { parseArgs } from 'node:util'
import type { ClientWebSocketOptions } from '../index.ts'
import { UsageError } from './failures.ts'
import { OPTIONS } from './options-table.ts'

/** What to do once the WebSocket is open. */
export type Mode = 'talk' | 'json' | 'ping'

export interface ConnectCommand {
  readonly name: 'connect'
  readonly url: string
  readonly options: ClientWebSocketOptions
  readonly mode: Mode
  /** Milliseconds of silence after the end of stdin; Infinity: until the server closes. Undefined: not said. */
  readonly wait: number | undefined
}

export type Command = ConnectCommand | { readonly name: 'help' } | { readonly name: 'version' }

/** Reads the command line. Fails with a UsageError. */
export function parseCommand(args: readonly string[]): Command {
  const { values, positionals } = parse(args)
  if (values.help) return { name: 'help' }
  if (values.version) return { name: 'version' }
  const [url, ...others] = positionals
  if (url === undefined) throw new UsageError('There is no URL.')
  if (others.length > 0) throw new UsageError('There is more than one URL; a value with spaces needs quotes.')
  if (values.json && values.ping) throw new UsageError('--json and --ping exclude each other.')
  return {
    name: 'connect',
    url,
    options: optionsOf(values),
    mode: values.json ? 'json' : values.ping ? 'ping' : 'talk',
    wait: values.wait === 'forever' ? Infinity : milliseconds('wait', values.wait),
  }
}

type Values = ReturnType<typeof parse>['values']

function parse(args: readonly string[]) {
  try {
    return parseArgs({ args: [...args], options: OPTIONS, allowPositionals: true })
  } catch (error) {
    throw new UsageError(sentences(error as NodeJS.ErrnoException))
  }
}

/** What Node says is wrong, as one line. */
function sentences({ code, message }: NodeJS.ErrnoException): string {
  // Node's advice about unknown options is for commands whose arguments may begin with a dash.
  const text = code === 'ERR_PARSE_ARGS_UNKNOWN_OPTION' ? (message.split('. ')[0] ?? '') : message
  return `${text.replaceAll('\n', ' ').replace(/\.$/, '')}.`
}

function optionsOf(values: Values): ClientWebSocketOptions {
  const { header = [], subprotocol = [], timeout, proxy, ca, insecure, follow } = values
  const handshakeTimeout = milliseconds('timeout', timeout)
  return {
    headers: header.map(headerField),
    subprotocols: subprotocol,
    redirect: follow ? 'follow' : 'error',
    ...versionOf(values),
    ...(handshakeTimeout !== undefined && { handshakeTimeout }),
    ...(proxy !== undefined && { proxy }),
    tls: { ...(ca !== undefined && { ca: certificates(ca) }), ...(insecure && { rejectUnauthorized: false }) },
  }
}

/** Which versions of HTTP will do. */
function versionOf({
  http2,
  'http1.1': http1,
  exact,
  proxy,
}: Values): Pick<ClientWebSocketOptions, 'httpVersion' | 'httpVersionPolicy'> {
  if (http2 && http1) throw new UsageError('--http2 and --http1.1 exclude each other.')
  if (exact && !http2 && !http1) throw new UsageError('--exact needs --http2 or --http1.1.')
  if (exact && http2 && proxy !== undefined) {
    throw new UsageError('Through a proxy there is no HTTP/2 yet: leave out --proxy or --exact.')
  }
  return { httpVersion: http2 ? '2' : '1.1', httpVersionPolicy: exact ? 'exact' : 'or-lower' }
}

function headerField(line: string): readonly [string, string] {
  const colon = line.indexOf(':')
  if (colon < 1) throw new UsageError('--header needs a name and a value: --header "Name: value".')
  return [line.slice(0, colon).trim(), line.slice(colon + 1).trim()]
}

function certificates(file: string): string {
  try {
    return readFileSync(file, 'utf8')
  } catch (error) {
    throw new UsageError(`--ca: cannot read ${file} (${(error as NodeJS.ErrnoException).code}).`)
  }
}

/** What a timer can wait for, in milliseconds. */
const MAX_TIME = 2 ** 31 - 1

function milliseconds(option: string, value: string | undefined): number | undefined {
  if (value === undefined) return undefined
  const time = /^\d+(\.\d+)?$/.test(value) ? Number(value) * 1000 : NaN
  if (time <= MAX_TIME) return time
  throw new UsageError(`--${option} needs a number of seconds, from 0 to ${Math.floor(MAX_TIME / 1000)}.`)
}
