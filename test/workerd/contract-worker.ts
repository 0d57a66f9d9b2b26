/**
 * A Worker that carries the contract suite, to be run case by case from outside:
 *
 *     GET /run?transport=&group=&case=&server=&peer=   204, or 500 and what went wrong
 */
import { createHarness } from '../contract/harness.ts'
import { GROUPS, runCase } from '../contract/suite.ts'
import { type Bindings, TRANSPORTS } from './transports.ts'

interface RejectionEvent {
  readonly promise: Promise<unknown>
  readonly reason: unknown
}

/** Workers have it, the types of Node do not. */
declare function addEventListener(type: `${string}rejection${string}`, listener: (event: RejectionEvent) => void): void

/**
 * At old compatibility dates a rejection is told before the one that handles it has had its turn, and taken back then.
 */
const unhandled = new Map<Promise<unknown>, unknown>()
addEventListener('unhandledrejection', ({ promise, reason }) => unhandled.set(promise, reason))
addEventListener('rejectionhandled', ({ promise }) => unhandled.delete(promise))

async function run(query: URLSearchParams, bindings: Bindings): Promise<void> {
  const value = (name: string) => query.get(name) ?? ''
  const transport = TRANSPORTS[value('transport')]!(bindings)
  const urls = { server: value('server'), peer: value('peer') }
  await runCase(createHarness(transport, urls), GROUPS[value('group')]![value('case')]!)
  await new Promise((resolve) => setTimeout(resolve, 0))
  const reasons = [...unhandled.values()]
  unhandled.clear()
  if (reasons.length > 0) throw new Error('A rejection was not handled', { cause: reasons[0] })
}

function describe(error: unknown): string {
  if (!(error instanceof Error)) return String(error)
  return error.cause === undefined ? `${error.stack}` : `${error.stack}, because of ${describe(error.cause)}`
}

export default {
  async fetch({ url }: Request, bindings: Bindings): Promise<Response> {
    try {
      await run(new URL(url).searchParams, bindings)
      return new Response(null, { status: 204 })
    } catch (error) {
      return new Response(describe(error), { status: 500 })
    }
  },
}
