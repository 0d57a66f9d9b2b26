/**
 * `GET /relay?url=…` bridges the caller's WebSocket to an upstream. The upstream gets the header fields that the Worker
 * keeps for it, and of the caller's nothing but the subprotocols: neither cookies nor Authorization. It is connected
 * before the caller's upgrade is answered; when it refuses, the caller gets its refusal.
 *
 * An upstream that does not take messages as fast as they come is given up, and the caller closed with 1013; one that
 * sends faster than the caller reads has to wait. Both need hawser's own socket. With `&transport=fetch` neither can be
 * seen in most runtimes.
 */
import { HandshakeError } from 'hawser'
import { bridge } from './bridge.ts'
import type { Env } from './env.ts'
import { passRefusal } from './pass-refusal.ts'
import { requireUpgrade } from './refused.ts'
import { connectWithSecrets, requestedTransport, requestedUpstream } from './upstreams.ts'

export async function relay(request: Request, env: Env, context: ExecutionContext): Promise<Response> {
  requireUpgrade(request, env)
  const url = requestedUpstream(request, env)
  try {
    const options = {
      subprotocols: offeredSubprotocols(request),
      transport: 'tcp',
      ...requestedTransport(request),
      signal: request.signal,
    } as const
    const upstream = await connectWithSecrets(url, env, options)
    const { 0: webSocket, 1: caller } = new WebSocketPair()
    context.waitUntil(bridge(caller, upstream))
    const { subprotocol } = upstream
    const headers: Record<string, string> = subprotocol === '' ? {} : { 'sec-websocket-protocol': subprotocol }
    return new Response(null, { status: 101, webSocket, headers })
  } catch (error) {
    if (error instanceof HandshakeError) return passRefusal(error)
    throw error
  }
}

function offeredSubprotocols(request: Request): string[] {
  const names = request.headers.get('sec-websocket-protocol')?.split(',') ?? []
  return names.map((name) => name.trim()).filter((name) => name !== '')
}
