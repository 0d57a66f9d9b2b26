import { readFileSync } from 'node:fs'
import { ClientWebSocket, HandshakeError, HawserError, OptionsError } from '../index.ts'
import { type Command, type ConnectCommand, type Mode, parseCommand } from './arguments.ts'
import { ExitCode } from './exit-codes.ts'
import { InputError, OutputError, UsageError } from './failures.ts'
import { helpText } from './help.ts'
import { failureJson, openedJson } from './json.ts'
import { measure } from './measure.ts'
import { write } from './output.ts'
import { errorReport, failureReport } from './report.ts'
import { Session } from './session.ts'
import { styleFor } from './style.ts'
import { talk } from './talk.ts'

/**
 * What the library calls a clean end is one for us only with these codes: normal, going away, none (RFC 6455 §7.4.1).
 */
const GOOD_CLOSE_CODES: readonly (number | undefined)[] = [1000, 1001, 1005]
/** Milliseconds for the server to answer a Close frame when there is nothing more to be had from it. */
const CLOSE_TIMEOUT = 3000

/** Runs the command; resolves to its exit code. */
export async function run(args: readonly string[], io: NodeJS.Process): Promise<ExitCode> {
  // Whoever writes to stdout is told of failures; nobody can be told of those of stderr.
  for (const stream of [io.stdout, io.stderr]) stream.on('error', () => {})
  try {
    return await execute(parseCommand(args), io)
  } catch (error) {
    return explain(error, io)
  }
}

async function execute(command: Command, io: NodeJS.Process): Promise<ExitCode> {
  if (command.name === 'connect') return await openAndUse(command, io)
  await write(io.stdout, command.name === 'help' ? helpText() : `${version()}\n`)
  return ExitCode.ok
}

function version(): string {
  const { version } = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8'))
  return String(version)
}

async function openAndUse(command: ConnectCommand, io: NodeJS.Process): Promise<ExitCode> {
  const socket = new ClientWebSocket({ ...command.options, closeTimeout: CLOSE_TIMEOUT })
  const session = new Session(socket, command, io)
  try {
    await socket.connect(command.url)
    await MODES[command.mode](session)
  } catch (error) {
    if (session.isInterrupted) return ExitCode.interrupted
    if (!(error instanceof HandshakeError) || command.mode !== 'json') throw error
    await printJson(session, failureJson(error))
    return exitCodeOf(error)
  } finally {
    session.end()
  }
  if (session.isInterrupted) return ExitCode.interrupted
  const endedWell =
    command.mode !== 'talk' || (socket.state === 'closed' && GOOD_CLOSE_CODES.includes(socket.closeStatus))
  return endedWell ? ExitCode.ok : ExitCode.endedBadly
}

const MODES: Readonly<Record<Mode, (session: Session) => Promise<void>>> = {
  talk,
  ping: measure,
  json: async (session) => {
    try {
      await printJson(session, openedJson(session.socket))
    } finally {
      await session.socket.close()
    }
  },
}

/** Easy to read in a terminal, one line in a pipe. */
async function printJson({ io }: Session, value: object): Promise<void> {
  await write(io.stdout, `${JSON.stringify(value, undefined, io.stdout.isTTY ? 2 : 0)}\n`)
}

/** Says on stderr what went wrong. What is not foreseen is a mistake of ours, and is thrown on. */
function explain(error: unknown, io: NodeJS.Process): ExitCode {
  const style = styleFor(io.stderr, io.env)
  if (error instanceof OutputError && error.isBrokenPipe) return ExitCode.ok
  if (error instanceof HandshakeError) {
    io.stderr.write(failureReport(error, style))
  } else if (error instanceof UsageError || error instanceof OptionsError) {
    io.stderr.write(`${errorReport(error, style)}Try: hawser --help\n`)
  } else if (error instanceof HawserError || error instanceof InputError || error instanceof OutputError) {
    io.stderr.write(errorReport(error, style))
  } else {
    throw error
  }
  return exitCodeOf(error)
}

function exitCodeOf(error: Error): ExitCode {
  if (error instanceof UsageError || error instanceof OptionsError) return ExitCode.usage
  if (!(error instanceof HandshakeError)) return ExitCode.endedBadly
  return error.response === undefined ? ExitCode.unreachable : ExitCode.refused
}
