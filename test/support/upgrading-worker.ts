/**
 * A Worker and its Durable Object that upgrade by themselves, to be reached by a binding. The path says how:
 *
 *     /echo?subprotocol=   sends every message back, and answers a Close frame with its code
 *     /close?code=         sends one message, and closes
 *     /refuse?status=      an ordinary answer with a body
 */

/** Workers have it, the types of Node do not. */
declare const WebSocketPair: new () => Record<0 | 1, WorkerWebSocket>

interface WorkerWebSocket extends EventTarget {
  binaryType: string
  accept(options: { allowHalfOpen: boolean }): void
  send(message: unknown): void
  close(code?: number, reason?: string): void
}

export class Upgrading {
  fetch(request: Request): Response {
    return answer(request)
  }
}

export default {
  fetch(request: Request): Response {
    return answer(request)
  },
}

function answer(request: Request): Response {
  const { pathname, searchParams: query } = new URL(request.url)
  if (pathname === '/refuse') {
    return new Response('refused', { status: Number(query.get('status')), headers: { 'x-reason': 'no' } })
  }
  const { 0: client, 1: server } = new WebSocketPair()
  server.binaryType = 'arraybuffer'
  server.accept({ allowHalfOpen: true })
  server.addEventListener('message', (event) => server.send((event as MessageEvent).data))
  server.addEventListener('close', (event) => {
    const { code } = event as CloseEvent
    if (code === 1005) server.close()
    else if (code !== 1006) server.close(code, 'as you say')
  })
  if (pathname === '/close') {
    server.send('before')
    server.close(Number(query.get('code')), 'away')
  }
  const subprotocol = query.get('subprotocol')
  const headers = subprotocol === null ? {} : { 'sec-websocket-protocol': subprotocol }
  const init = { status: 101, webSocket: client, headers: { ...headers, 'x-authorization': authorizationOf(request) } }
  return new Response(null, init)
}

function authorizationOf(request: Request): string {
  return request.headers.get('authorization') ?? 'none'
}
