/** Which transport a connect uses, outside of Workers. */
import type { Dispatcher, TlsOptions } from '../options.ts'
import type { Transport } from './contracts.ts'
import { nodeDial } from './socket.node.ts'
import { tcp } from './tcp.ts'

/** The options that say how the server is reached. */
export interface ClientOptions {
  readonly dispatcher: Dispatcher | 'global' | undefined
  readonly proxy: URL | 'env' | undefined
  readonly tls: TlsOptions | undefined
}

export interface Selection {
  readonly name: 'tcp' | 'dispatcher'
  readonly transport: Transport
  /** Frees what was made for this connect alone; called when connecting has failed. */
  readonly discard: () => Promise<void>
}

const nothing = async () => {}

/** `readBuffer` is where reads of hawser's own sockets land. */
export async function selectTransport(options: ClientOptions, readBuffer: Uint8Array): Promise<Selection> {
  const { dispatcher, proxy, tls } = options
  if (dispatcher !== undefined) {
    const { dispatcherTransport, globalDispatcher } = await import('./dispatcher.ts')
    const used = dispatcher === 'global' ? await globalDispatcher() : dispatcher
    return { name: 'dispatcher', transport: dispatcherTransport(used), discard: nothing }
  }
  if (proxy !== undefined) {
    const [{ dispatcherTransport }, { proxyDispatcher }] = await Promise.all([
      import('./dispatcher.ts'),
      import('./proxy.ts'),
    ])
    const own = await proxyDispatcher(proxy, tls)
    return { name: 'dispatcher', transport: dispatcherTransport(own.dispatcher), discard: own.destroy }
  }
  return { name: 'tcp', transport: tcp(nodeDial({ tls, readBuffer })), discard: nothing }
}
