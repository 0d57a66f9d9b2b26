import { InputError } from './failures.ts'
import { Farewell } from './farewell.ts'
import { type Input, openInput } from './input.ts'
import { messageText } from './message-text.ts'
import { write } from './output.ts'
import { closedReport, openedReport } from './report.ts'
import type { Session } from './session.ts'

/** Milliseconds of silence after which the end of a pipe or file closes. */
const WAIT = 500

/**
 * Sends the lines of stdin and prints the messages, until the server closes or there is nothing more to say. The sender
 * waits for the server, the printer for the reader of stdout. Whatever happens, the socket is closed in the end.
 */
export async function talk(session: Session): Promise<void> {
  const { socket, command, io, style } = session
  io.stderr.write(openedReport(socket, style))
  const input = openInput(io, session.interrupt)
  const farewell = new Farewell(socket)
  let failure: InputError | undefined
  const onSent = () => farewell.begin(command.wait ?? (input.isTyped ? 0 : WAIT))
  const onFailed = (error: unknown) => {
    // A connection that is over fails the sender too; that is for the printer to tell.
    if (socket.state !== 'open') return
    failure = new InputError(error)
    farewell.begin(0)
  }
  sendLines(session, input).then(onSent, onFailed)
  try {
    await printMessages(session, input, farewell)
  } finally {
    farewell.stop()
    input.close()
    await socket.close()
  }
  io.stderr.write(closedReport(socket, style))
  if (failure !== undefined) throw failure
}

async function sendLines({ socket }: Session, { lines }: Input): Promise<void> {
  for await (const line of lines) await socket.send(line)
}

async function printMessages({ socket, io }: Session, input: Input, farewell: Farewell): Promise<void> {
  const forTerminal = io.stdout.isTTY === true
  for await (const messages of socket.batches()) {
    farewell.busy()
    const text = messages.map((message) => messageText(message, forTerminal)).join('')
    await input.aside(() => write(io.stdout, text))
    farewell.reading()
  }
}
