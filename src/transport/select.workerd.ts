/** Which transport a connect uses in Workers. */
import { OptionsError } from '../errors.ts'
import { planOf } from '../handshake/http-version.ts'
import type { ClientOptions, Selection } from './select.ts'
import { workerdDial } from './socket.workerd.ts'
import { tcp } from './tcp.ts'

/** Options that Workers have no means for, and why. */
const REFUSED: readonly (readonly [name: keyof ClientOptions, why: string])[] = [
  ['dispatcher', 'undici does not run in Workers'],
  ['session', 'node:http2 does not run in Workers'],
  ['proxy', 'Workers connect without a proxy'],
  ['tls', 'the TLS of Workers takes no options'],
]

export async function selectTransport(options: ClientOptions): Promise<Selection> {
  for (const [name, why] of REFUSED) {
    if (options[name] !== undefined) throw new OptionsError(name, `${name} cannot be used here: ${why}.`)
  }
  if (planOf(options.httpVersion, options.httpVersionPolicy, false) === 'http2') {
    throw new OptionsError('httpVersion', "Workers have no HTTP/2 for WebSockets: use '1.1', or the policy 'or-lower'.")
  }
  return {
    names: { '1.1': 'tcp', '2': 'http2' },
    versionFor: () => '1.1',
    transport: tcp(workerdDial),
    discard: async () => {},
  }
}
