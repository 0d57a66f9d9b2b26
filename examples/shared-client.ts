import { connect } from 'hawser'
import { Agent, request } from 'undici'
import type { Page } from './page.ts'
import type { Servers } from './servers.ts'

const SOCKETS = 3

export async function sharedClient(page: Page, { secure, ca }: Servers): Promise<void> {
  const requestsBefore = secure.requests.length
  const connectionsBefore = secure.connections()
  // What belongs to the client is set there, once: certificates, as here, proxy, cookies, retries.
  const agent = new Agent({ connect: { ca } })

  const httpUrl = secure.url.replace('wss:', 'https:')
  const first = await request(`${httpUrl}/status`, { dispatcher: agent })
  const answer = await first.body.text()
  const sockets = []
  for (let i = 0; i < SOCKETS; i++) sockets.push(await connect(`${secure.url}/echo`, { dispatcher: agent }))
  for (const ws of sockets) await ws.send('hello')
  const echoes = await Promise.all(sockets.map((ws) => ws.receive()))
  for (const ws of sockets) await ws.close()
  const isAgentOpen = !agent.closed && !agent.destroyed
  await agent.close()

  const requests = secure.requests.slice(requestsBefore)
  const upgrades = requests.filter(({ headers }) => headers.upgrade === 'websocket').length
  const connections = secure.connections() - connectionsBefore
  page.claim(
    answer === 'GET /status' && echoes.every((echo) => echo === 'hello'),
    `1 request and ${SOCKETS} sockets answered`,
  )
  page.claim(
    requests.length === SOCKETS + 1 && upgrades === SOCKETS,
    `the server counted ${requests.length} requests, ${upgrades} of them upgrades`,
  )
  page.claim(
    connections === SOCKETS + 1,
    `on ${connections} TCP connections: over HTTP/1.1 each socket has one to itself`,
  )
  page.claim(isAgentOpen, 'the Agent stays yours: hawser did not close it')
}
