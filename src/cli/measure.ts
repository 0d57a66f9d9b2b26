import { type ClientWebSocket, ConnectionClosedError } from '../index.ts'
import { write } from './output.ts'
import { openedReport } from './report.ts'
import type { Session } from './session.ts'

const ROUND_TRIPS = 5
/** The longest time for one, in milliseconds. */
const LIMIT = 10_000

/** Prints some round-trip times, and closes. */
export async function measure({ socket, io, style }: Session): Promise<void> {
  io.stderr.write(openedReport(socket, style))
  // Unread messages would hold back the Pongs behind them. When the connection fails, the Ping tells.
  const discarding = discard(socket.batches()).catch(() => {})
  const times: number[] = []
  try {
    while (times.length < ROUND_TRIPS) {
      const time = await roundTrip(socket)
      times.push(time)
      await write(io.stdout, `${time.toFixed(3)} ms\n`)
    }
  } finally {
    await socket.close()
    await discarding
  }
  const average = times.reduce((sum, time) => sum + time, 0) / times.length
  const summary = [Math.min(...times), average, Math.max(...times)].map((time) => time.toFixed(3)).join(' / ')
  io.stderr.write(`${style('dim', `min / average / max: ${summary} ms`)}\n`)
}

async function roundTrip(socket: ClientWebSocket): Promise<number> {
  const signal = AbortSignal.timeout(LIMIT)
  try {
    return await socket.ping(undefined, { signal })
  } catch (error) {
    if (error !== signal.reason) throw error
    throw new ConnectionClosedError(`No Pong came within ${LIMIT / 1000} s.`)
  }
}

async function discard(messages: AsyncIterable<unknown>): Promise<void> {
  for await (const _ of messages);
}
