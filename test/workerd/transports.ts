/** The transports of Workers. */
import type { Fetcher } from 'hawser'
import { FETCH, TCP } from '../contract/capabilities.ts'
import type { ContractTransport } from '../contract/harness.ts'

/**
 * Of a Worker through which connections can be made: a service and a Durable Object that pass on what they are asked.
 */
export interface Bindings {
  readonly SERVICE: Fetcher
  readonly OBJECTS: { idFromName(name: string): unknown; get(id: unknown): Fetcher }
}

type Create = (bindings: Bindings) => ContractTransport

/** A connection of hawser's own, and the runtime's. */
export const OWN: Readonly<Record<string, ContractTransport>> = {
  tcp: { transport: 'tcp', can: TCP, options: () => ({ transport: 'tcp' }) },
  fetch: { transport: 'fetch', can: FETCH, options: () => ({ transport: 'fetch' }) },
}

/** A caller's own fetch. */
export const BOUND: Readonly<Record<string, Create>> = {
  'a service binding': ({ SERVICE }) => through(() => SERVICE),
  'the stub of a Durable Object': ({ OBJECTS }) => through(() => OBJECTS.get(OBJECTS.idFromName('one'))),
}

export const TRANSPORTS: Readonly<Record<string, Create>> = {
  ...Object.fromEntries(Object.entries(OWN).map(([name, transport]) => [name, () => transport])),
  ...BOUND,
}

function through(fetcher: () => Fetcher): ContractTransport {
  return { transport: 'fetch', can: FETCH, options: () => ({ fetch: fetcher() }) }
}
