import { type ClientWebSocketOptions, connect } from 'hawser'
import type { Page } from './page.ts'
import type { Servers } from './servers.ts'

const TEXT = 'Grüße, 世界 👋'
const BYTES = crypto.getRandomValues(new Uint8Array(65_536))

export async function echo(page: Page, { plain, secure, ca }: Servers): Promise<void> {
  await echoFrom(page, `${plain.url}/echo`, {})
  await echoFrom(page, `${secure.url}/echo`, { tls: { ca } })
}

async function echoFrom(page: Page, url: string, options: ClientWebSocketOptions): Promise<void> {
  const ws = await connect(url, options)
  await ws.send(TEXT)
  await ws.send(BYTES)
  const text = await ws.receive()
  const binary = await ws.receive()
  const roundTrip = await ws.ping()
  await ws.close(1000, 'done')

  const isBack = text === TEXT && binary instanceof Uint8Array && Buffer.compare(binary, BYTES) === 0
  const isClosed = ws.state === 'closed' && ws.closeStatus === 1000
  const what = `"${text}" and ${BYTES.length / 1024} KiB back; ping ${roundTrip.toFixed(1)} ms; ${ws.state} (${ws.closeStatus})`
  page.claim(isBack && isClosed, `${url.padEnd(27)} ${what}`)
}
