/**
 * What hawser does, in a minute: `npm start`. It starts servers on the loopback, connects to them, shows what happens,
 * and ends by itself: with exit code 0 if everything went as shown.
 */
import { createAuthority } from '../test/support/certificates.ts'
import { startHttp2Server } from '../test/support/http2-server.ts'
import { startWebSocketServer } from '../test/support/websocket-server.ts'
import { echo } from './echo.ts'
import { http2 } from './http2.ts'
import { Page } from './page.ts'
import { refusal } from './refusal.ts'
import { response } from './response.ts'
import { sharedClient } from './shared-client.ts'
import { withoutExtendedConnect } from './without-extended-connect.ts'
import { worker } from './worker.ts'

/** Whatever hangs is not as shown. */
const LIMIT = 30_000
setTimeout(() => process.exit(1), LIMIT).unref()

const page = new Page('hawser: a WebSocket client that shows what the server answered')
const authority = await createAuthority()
const plain = await startWebSocketServer()
const tls = await authority.issue()
const secure = await startWebSocketServer({ tls })
const servers = {
  plain,
  secure,
  http2: await startHttp2Server({ tls }),
  withoutConnect: await startHttp2Server({ tls, extendedConnect: false }),
  ca: authority.ca,
}

await page.section('Messages there and back, over ws and over wss with an authority of our own', () =>
  echo(page, servers),
)
await page.section('The response to the handshake, when it succeeds', () => response(page, servers))
await page.section('The response to the handshake, when the server refuses', () => refusal(page, servers))
await page.section('Sockets and requests on one HTTP client: an undici Agent', () => sharedClient(page, servers))
await page.section('HTTP/2: sockets and requests on one TCP connection, counted at the server', () =>
  http2(page, servers),
)
await page.section('An HTTP/2 server that has no WebSockets over it', () => withoutExtendedConnect(page, servers))
await page.section('In a Worker: the one of worker/, in the runtime of Cloudflare, on this machine', () =>
  worker(page, servers),
)

await Promise.all([plain, secure, servers.http2, servers.withoutConnect].map((server) => server.close()))
process.exitCode = page.end()
