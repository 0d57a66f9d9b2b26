/** Which transport a connect uses in Workers. */
import { OptionsError } from '../errors.ts'
import type { ClientOptions, Selection } from './select.ts'
import { workerdDial } from './socket.workerd.ts'
import { tcp } from './tcp.ts'

/** Options that Workers have no means for, and why. */
const REFUSED: readonly (readonly [name: keyof ClientOptions, why: string])[] = [
  ['dispatcher', 'undici does not run in Workers'],
  ['proxy', 'Workers connect without a proxy'],
  ['tls', 'the TLS of Workers takes no options'],
]

export async function selectTransport(options: ClientOptions): Promise<Selection> {
  for (const [name, why] of REFUSED) {
    if (options[name] !== undefined) throw new OptionsError(name, `${name} cannot be used here: ${why}.`)
  }
  return { name: 'tcp', transport: tcp(workerdDial), discard: async () => {} }
}
