/** Which transport a connect uses in Workers. Only what the fetch needs is loaded beforehand. */
import { OptionsError } from '../errors.ts'
import { planOf } from '../handshake/http-version.ts'
import { fetchTransport } from './fetch.ts'
import type { ClientOptions, Selection } from './select.ts'

/** Options that Workers have no means for, and why. */
const REFUSED: readonly (readonly [name: keyof ClientOptions, why: string])[] = [
  ['dispatcher', 'undici does not run in Workers'],
  ['session', 'node:http2 does not run in Workers'],
  ['proxy', 'Workers connect without a proxy'],
  ['tls', 'the TLS of Workers takes no options'],
]

const nothing = async () => {}

/** `loadFraming` loads what frames bytes. */
export async function selectTransport(options: ClientOptions, loadFraming: () => Promise<unknown>): Promise<Selection> {
  refuseOptions(options)
  const { fetch, transport, tcpNeed } = options
  if (transport === 'tcp' || tcpNeed !== undefined) return await throughSocket(loadFraming)
  return {
    names: { '1.1': 'fetch', '2': 'fetch' },
    versionFor: () => '1.1',
    transport: fetchTransport(fetch),
    discard: nothing,
  }
}

function refuseOptions(options: ClientOptions): void {
  for (const [name, why] of REFUSED) {
    if (options[name] !== undefined) throw new OptionsError(name, `${name} cannot be used here: ${why}.`)
  }
  if (planOf(options.httpVersion, options.httpVersionPolicy, false) === 'http2') {
    throw new OptionsError('httpVersion', "Workers have no HTTP/2 for WebSockets: use '1.1', or the policy 'or-lower'.")
  }
}

/** What is needed is loaded together. */
async function throughSocket(loadFraming: () => Promise<unknown>): Promise<Selection> {
  const [{ tcp }, { workerdDial }] = await Promise.all([
    import('./tcp.ts'),
    import('./socket.workerd.ts'),
    loadFraming(),
  ])
  return {
    names: { '1.1': 'tcp', '2': 'tcp' },
    versionFor: () => '1.1',
    transport: tcp(workerdDial),
    discard: nothing,
  }
}
