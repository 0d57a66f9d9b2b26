import { OPTIONS, type OptionEntry } from './options-table.ts'

const HEAD = `Usage: hawser [OPTION]... URL

Opens a WebSocket and shows what the server answered. Then every line of stdin
is sent as a text message, and every message that comes is printed.

  URL   ws:, wss:, http: or https:; with USER:PASSWORD@ it authenticates

Options:
`

const TAIL = `
Messages go to stdout, everything else to stderr. A text message is printed as
it is, and a line end after it. A binary message is a line with its size and its
bytes in hexadecimal: "<3 bytes> 0001ff". A terminal shows the first 32 bytes of
it, and control characters as escapes.

At the end of stdin hawser waits for answers (--wait), says that nothing more
will come, and prints what still arrives until the server closes as well.
Ctrl-C closes; a second one cuts the connection.

Exit codes:
    0  connected, and ended well: closed with 1000, 1001 or without a code
    1  connected, and ended badly: lost, or closed with another code
    2  wrong usage; nothing was sent
    3  refused: the server answered, but opened no WebSocket
    4  could not connect: network, proxy, TLS, HTTP/2, or no answer in time
  130  interrupted, by Ctrl-C or SIGTERM, however it ended then

Colours are used in a terminal, unless NO_COLOR is set.

  echo hello | hawser wss://example.com/echo
  hawser --json wss://example.com/socket | jq .status
`

const HELP_COLUMN = 30

/** What `--help` prints. */
export function helpText(): string {
  return `${HEAD}${Object.entries(OPTIONS).map(describe).join('')}${TAIL}`
}

function describe([name, option]: [string, OptionEntry]): string {
  const short = option.short === undefined ? '    ' : `-${option.short}, `
  const value = option.value === undefined ? '' : ` ${option.value}`
  const start = `  ${short}--${name}${value}`.padEnd(HELP_COLUMN)
  return option.help.map((line, index) => `${index === 0 ? start : ' '.repeat(HELP_COLUMN)}${line}\n`).join('')
}
