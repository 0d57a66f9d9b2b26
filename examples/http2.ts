import { connect as connectHttp2 } from 'node:http2'
import { text } from 'node:stream/consumers'
import { type ClientWebSocket, type ClientWebSocketOptions, connect } from 'hawser'
import { Agent, request } from 'undici'
import type { RunningHttp2Server } from '../test/support/http2-server.ts'
import type { Page } from './page.ts'
import type { Servers } from './servers.ts'

const SOCKETS = 3

export async function http2(page: Page, { http2: server, ca }: Servers): Promise<void> {
  const httpsUrl = server.url.replace('wss:', 'https:')
  const own = { httpVersion: '2', tls: { ca } } as const
  const ws = await shareConnection(page, server, { name: "hawser's own connection", options: own })

  const session = connectHttp2(httpsUrl, { ca })
  const getBySession = () => text(session.request({ ':path': '/status' }))
  await shareConnection(page, server, { name: 'your ClientHttp2Session', options: { session }, get: getBySession })
  const isSessionOpen = !session.closed && !session.destroyed
  session.close()

  const agent = new Agent({ connect: { ca } })
  const getByAgent = async () => (await request(`${httpsUrl}/status`, { dispatcher: agent })).body.text()
  const byAgent = { httpVersion: '2', dispatcher: agent } as const
  await shareConnection(page, server, { name: 'your undici Agent', options: byAgent, get: getByAgent })
  await agent.close()

  page.claim(isSessionOpen, 'the session stays yours: hawser did not close it')
  const { httpStatusCode } = ws
  page.claim(httpStatusCode === 200, `ws.httpStatusCode is ${httpStatusCode}: HTTP/2 does not switch protocols`)
}

interface Client {
  readonly name: string
  readonly options: ClientWebSocketOptions
  /** Makes an ordinary request; hawser by itself makes none. */
  readonly get?: () => Promise<string>
}

/** Uses a client for everything at once, and counts connections where they arrive. Gives one of the sockets. */
async function shareConnection(
  page: Page,
  server: RunningHttp2Server,
  { name, options, get }: Client,
): Promise<ClientWebSocket> {
  const before = countsOf(server)
  const answer = await get?.()
  const sockets = await Promise.all(Array.from({ length: SOCKETS }, () => connect(`${server.url}/echo`, options)))
  await Promise.all(sockets.map((ws) => ws.send('hello')))
  const echoes = await Promise.all(sockets.map((ws) => ws.receive()))
  await Promise.all(sockets.map((ws) => ws.close()))

  const after = countsOf(server)
  const connects = after.connects - before.connects
  const requests = after.requests - before.requests
  const connections = after.connections - before.connections
  const isAnswered = echoes.every((echo) => echo === 'hello') && answer === (get && 'GET /status')
  const isCounted = connects === SOCKETS && requests === (get ? 1 : 0) && connections === 1
  const what = `${requests === 0 ? '' : `${requests} request and `}${connects} sockets on ${connections} TCP connection`
  page.claim(isAnswered && isCounted, `${name.padEnd(25)} ${what}`)
  return sockets[0]!
}

function countsOf(server: RunningHttp2Server): { connections: number; connects: number; requests: number } {
  return {
    connections: server.connections(),
    connects: server.connects.length,
    requests: server.requests.length,
  }
}
