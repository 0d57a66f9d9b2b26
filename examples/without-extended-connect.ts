import { type ClientWebSocket, type ClientWebSocketOptions, connect } from 'hawser'
import { failureOf } from './failure.ts'
import type { Page } from './page.ts'
import type { Servers } from './servers.ts'

export async function withoutExtendedConnect(page: Page, { withoutConnect: server, ca }: Servers): Promise<void> {
  const url = `${server.url}/echo`
  const options = { tls: { ca }, httpVersion: '2' } as const

  const first = await echoOver(url, options)
  const isDowngraded = first.httpVersion === '1.1' && first.httpStatusCode === 101
  const how = `opened over HTTP/${first.httpVersion} (${first.httpStatusCode})`
  page.claim(isDowngraded && server.connections() === 2, `'2' or lower: ${how}, on another TCP connection`)

  await echoOver(url, options)
  page.claim(server.connections() === 3, 'the next one does not ask for HTTP/2 again')

  const { code } = await failureOf(url, { ...options, httpVersionPolicy: 'exact' })
  page.claim(code === 'EXTENDED_CONNECT_UNSUPPORTED', `'2' exactly: refused, and error.code is ${code}`)
  page.claim(server.connects.length === 0, 'nobody has sent it a CONNECT')
}

async function echoOver(url: string, options: ClientWebSocketOptions): Promise<ClientWebSocket> {
  const ws = await connect(url, options)
  await ws.send('hello')
  const echo = await ws.receive()
  await ws.close()
  if (echo !== 'hello') throw new Error(`${url} sent something else back`)
  return ws
}
