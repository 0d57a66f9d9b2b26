/** The handshake over HTTP/2 through a dispatcher, from which it may go on to HTTP/1.1. */
import { HandshakeError } from '../errors.ts'
import type { Plan } from '../handshake/http-version.ts'
import type { Dispatcher } from '../options.ts'
import type { Transport } from './contracts.ts'
import { exchange } from './dispatcher.ts'
import { HostMemory } from './host-memory.ts'
import { isProtocolRefused } from './network-error.ts'

/** Milliseconds, and hosts of one dispatcher. */
const LIFETIME = 5 * 60_000
const REMEMBERED_HOSTS = 1000

/** What hosts have answered, by the dispatcher that asked them. */
const memories = new WeakMap<Dispatcher, HostMemory>()

/**
 * A transport over a dispatcher with a plan for each URL. Whether a connection of it speaks HTTP/2 is the dispatcher's
 * affair (its `allowH2`), and known only when the request is made: one that turns out to be of HTTP/1.1 is asked again,
 * as an upgrade.
 */
export function plannedDispatcher(dispatcher: Dispatcher, planFor: (url: URL) => Plan): Transport {
  const memory = memories.get(dispatcher) ?? new HostMemory(LIFETIME, REMEMBERED_HOSTS)
  memories.set(dispatcher, memory)
  return async (request, signal, onDowngrade) => {
    const plan = planFor(request.url)
    const { origin } = request.url
    const isKnown = plan === 'negotiate' && memory.has(origin)
    if (isKnown) onDowngrade?.(undefined)
    if (isKnown || plan === 'http1') {
      try {
        return await exchange(dispatcher, '1.1', request, signal)
      } catch (error) {
        // What was remembered of the host is not so any more: it speaks HTTP/2 alone.
        if (!isKnown || !isProtocolRefused((error as Error | null)?.cause)) throw error
        memory.forget(origin)
      }
    }
    try {
      return await exchange(dispatcher, '2', request, signal)
    } catch (error) {
      if (plan === 'http2' || !(error instanceof HandshakeError) || !DOWNGRADES.includes(error.code)) throw error
      // One with a cause is about this request: a server may want HTTP/1.1 for some paths only.
      if (error.cause === undefined) memory.remember(origin)
      onDowngrade?.(error)
    }
    return await exchange(dispatcher, '1.1', request, signal)
  }
}

const DOWNGRADES: readonly string[] = ['HTTP2_UNAVAILABLE', 'EXTENDED_CONNECT_UNSUPPORTED']
