/** What differs between runtimes: this is everything but Workers. `package.json` maps `#platform` to it. */
import { loadCodec } from './codec/load.ts'
import type { Connection } from './driver/connection.ts'
import type { MessageDriverOptions } from './driver/message-driver.ts'
import { createFraming, type Framing } from './framing.ts'
import type { SocketTelemetry } from './telemetry.ts'
import type { MessageSocket } from './transport/contracts.ts'

export { selectTransport } from './transport/select.ts'

/** What frames bytes. Nearly every connection needs it here, so that it is loaded with the rest. */
export async function loadFraming(): Promise<Framing> {
  return createFraming(loadCodec())
}

/** A connection over a socket that frames by itself. Few have one here. */
export async function openSocket(
  socket: MessageSocket,
  options: MessageDriverOptions,
  telemetry: SocketTelemetry | undefined,
): Promise<Connection> {
  const { MessageDriver } = await import('./driver/message-driver.ts')
  return new MessageDriver(socket, options, telemetry)
}
