/** What differs between runtimes: this is Workers. `package.json` maps `#platform` to it. */
import type { Connection } from './driver/connection.ts'
import { MessageDriver, type MessageDriverOptions } from './driver/message-driver.ts'
import type { Framing } from './framing.ts'
import type { SocketTelemetry } from './telemetry.ts'
import type { MessageSocket } from './transport/contracts.ts'

export { selectTransport } from './transport/select.workerd.ts'

/** What frames bytes. It is loaded when a connection needs it: most leave that to the runtime. */
export async function loadFraming(): Promise<Framing> {
  const [{ createFraming }, { loadCodec }] = await Promise.all([
    import('./framing.ts'),
    import('./codec/load.workerd.ts'),
  ])
  return createFraming(loadCodec())
}

/** A connection over a socket that frames by itself. */
export async function openSocket(
  socket: MessageSocket,
  options: MessageDriverOptions,
  telemetry: SocketTelemetry | undefined,
): Promise<Connection> {
  return new MessageDriver(socket, options, telemetry)
}
