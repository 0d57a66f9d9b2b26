/**
 * `GET /inspect?url=…` asks an upstream for a WebSocket, and tells in JSON how it answered. It asks as anybody would,
 * without the Worker's secrets, and may therefore show all that came back.
 */
import { HandshakeError } from 'hawser'
import type { Env } from './env.ts'
import { readableBody } from './readable-body.ts'
import { connectUpstream, requestedTransport, requestedUpstream, type UpstreamOptions } from './upstreams.ts'

export async function inspect(request: Request, env: Env): Promise<Response> {
  const url = requestedUpstream(request, env)
  const { signal } = request
  const answer = await ask(url, { ...requestedSubprotocols(request), ...requestedTransport(request), signal })
  return new Response(`${JSON.stringify(answer, null, 2)}\n`, {
    headers: { 'content-type': 'application/json; charset=utf-8', 'cache-control': 'no-store' },
  })
}

function requestedSubprotocols(request: Request): Pick<UpstreamOptions, 'subprotocols'> {
  const subprotocols = new URL(request.url).searchParams.get('subprotocols')
  return subprotocols ? { subprotocols: subprotocols.split(',').map((name) => name.trim()) } : {}
}

async function ask(url: URL, options: UpstreamOptions): Promise<object> {
  const lap = stopwatch()
  try {
    const socket = await connectUpstream(url, options)
    const answered = lap()
    const { httpStatusCode: status, httpStatusText: statusText, httpResponseHeaders: headers } = socket
    const { subprotocol, extensions, transport, httpVersion } = socket
    await socket.close()
    const times = { answer: answered, close: lap() }
    return { open: true, status, statusText, httpVersion, transport, subprotocol, extensions, times, headers }
  } catch (error) {
    if (error instanceof HandshakeError) return await failure(error, lap())
    throw error
  }
}

async function failure(error: HandshakeError, answer: number): Promise<object> {
  const { code, message, retriable, retryAfter, response, attempts } = error
  const { status, statusText, httpVersion, headers } = response ?? {}
  return {
    open: false,
    code,
    message,
    retriable,
    retryAfter,
    status,
    statusText,
    httpVersion,
    transport: attempts.at(-1)?.transport,
    times: { answer },
    headers,
    ...(response && (await readableBody(response))),
    attempts,
  }
}

/** Gives the milliseconds since it was last asked. */
function stopwatch(): () => number {
  let last = performance.now()
  return () => {
    const now = performance.now()
    const lap = Math.round((now - last) * 10) / 10
    last = now
    return lap
  }
}
