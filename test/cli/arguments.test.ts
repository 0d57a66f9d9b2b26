import { describe, expect, test } from 'vitest'
import { type ConnectCommand, parseCommand } from '../../src/cli/arguments.ts'
import { UsageError } from '../../src/cli/failures.ts'
import { helpText } from '../../src/cli/help.ts'
import { OPTIONS } from '../../src/cli/options-table.ts'

const URL = 'ws://example.com/'

function connectCommand(...args: string[]): ConnectCommand {
  const command = parseCommand(args)
  if (command.name !== 'connect') throw new Error(`Not a connect command: ${command.name}`)
  return command
}

function usageError(...args: string[]): string {
  try {
    parseCommand(args)
  } catch (error) {
    if (error instanceof UsageError) return error.message
  }
  throw new Error('There was no UsageError')
}

describe('the command line', () => {
  test('a URL alone talks, with the defaults of the library', () => {
    const command = connectCommand(URL)
    expect(command).toMatchObject({ url: URL, mode: 'talk', wait: undefined })
    const version = { httpVersion: '1.1', httpVersionPolicy: 'or-lower' }
    expect(command.options).toEqual({ headers: [], subprotocols: [], redirect: 'error', tls: {}, ...version })
  })

  test('headers keep their order, and lose the white space around name and value', () => {
    const { options } = connectCommand('-H', 'A: 1', '--header', 'b:2:3 ', '-H', 'A:', URL)
    expect(options.headers).toEqual([
      ['A', '1'],
      ['b', '2:3'],
      ['A', ''],
    ])
  })

  test('options reach the library', () => {
    const args = ['-s', 'a', '--subprotocol=b', '--timeout', '1.5', '--proxy', 'env', '--insecure', '--follow']
    expect(connectCommand(...args, URL).options).toMatchObject({
      subprotocols: ['a', 'b'],
      handshakeTimeout: 1500,
      proxy: 'env',
      redirect: 'follow',
      tls: { rejectUnauthorized: false },
    })
  })

  test.each([
    [['--http2'], { httpVersion: '2', httpVersionPolicy: 'or-lower' }],
    [['--http2', '--exact'], { httpVersion: '2', httpVersionPolicy: 'exact' }],
    [['--http1.1'], { httpVersion: '1.1', httpVersionPolicy: 'or-lower' }],
    [['--http1.1', '--exact'], { httpVersion: '1.1', httpVersionPolicy: 'exact' }],
    [['--http2', '--proxy', 'env'], { httpVersion: '2', httpVersionPolicy: 'or-lower' }],
  ])('%j says which versions will do', (args, options) => {
    expect(connectCommand(...args, URL).options).toMatchObject(options)
  })

  test('--wait takes seconds or forever', () => {
    expect(connectCommand('-w', '2', URL).wait).toBe(2000)
    expect(connectCommand('--wait', '0', URL).wait).toBe(0)
    expect(connectCommand('--wait', 'forever', URL).wait).toBe(Infinity)
  })

  test('--json and --ping choose what is done', () => {
    expect(connectCommand('--json', URL).mode).toBe('json')
    expect(connectCommand('--ping', URL).mode).toBe('ping')
    expect(usageError('--ping', '--json', URL)).toBe('--json and --ping exclude each other.')
  })

  test('--help and --version need no URL', () => {
    expect(parseCommand(['-h'])).toEqual({ name: 'help' })
    expect(parseCommand(['-V'])).toEqual({ name: 'version' })
  })

  test.each([
    [[], 'There is no URL.'],
    [[URL, 'secret'], 'There is more than one URL; a value with spaces needs quotes.'],
    [['--colour', URL], "Unknown option '--colour'."],
    [['--timeout', URL], 'There is no URL.'],
    [['--timeout', '1s', URL], '--timeout needs a number of seconds, from 0 to 2147483.'],
    [['--timeout', '1e3', URL], '--timeout needs a number of seconds, from 0 to 2147483.'],
    [['--wait', '2147484', URL], '--wait needs a number of seconds, from 0 to 2147483.'],
    [['-H', 'secret', URL], '--header needs a name and a value: --header "Name: value".'],
    [['-H', ': secret', URL], '--header needs a name and a value: --header "Name: value".'],
    [
      ['--timeout', '-1', URL],
      "Option '--timeout' argument is ambiguous. Did you forget to specify the option argument for '--timeout'? " +
        "To specify an option argument starting with a dash use '--timeout=-XYZ'.",
    ],
    [['--timeout=-1', URL], '--timeout needs a number of seconds, from 0 to 2147483.'],
    [[URL, '--timeout'], "Option '--timeout <value>' argument missing."],
    [['--json=secret', URL], "Option '--json' does not take an argument."],
    [['--http2', '--http1.1', URL], '--http2 and --http1.1 exclude each other.'],
    [['--exact', URL], '--exact needs --http2 or --http1.1.'],
    [
      ['--http2', '--exact', '--proxy', 'env', URL],
      'Through a proxy there is no HTTP/2 yet: leave out --proxy or --exact.',
    ],
    [['--ca', '/nowhere/ca.pem', URL], '--ca: cannot read /nowhere/ca.pem (ENOENT).'],
  ])('%j is wrong usage', (args, message) => {
    expect(usageError(...args)).toBe(message)
  })
})

describe('the help', () => {
  test('shows every option with its short form', () => {
    for (const [name, option] of Object.entries(OPTIONS)) {
      const short = 'short' in option ? `-${option.short}, ` : '    '
      expect(helpText()).toContain(`\n  ${short}--${name}`)
    }
  })

  test('fits into a terminal of 80 columns', () => {
    expect(
      helpText()
        .split('\n')
        .filter((line) => line.length > 80),
    ).toEqual([])
  })
})
