import { type ClientWebSocket, connect } from 'hawser'
import { startWorker } from '../test/support/miniflare.ts'
import { failureOf } from './failure.ts'
import type { Page } from './page.ts'
import type { Servers } from './servers.ts'

const CLIENTS = 5
const TICKS = 3

export async function worker(page: Page, { plain }: Servers): Promise<void> {
  const secrets = JSON.stringify({ [plain.url]: { 'x-secret': 'from the Worker' } })
  const running = await startWorker({ UPSTREAMS: plain.url, UPSTREAM_HEADERS: secrets })
  try {
    await tryRoutes(page, plain, running.url)
  } finally {
    await running.close()
  }
}

async function tryRoutes(page: Page, plain: Servers['plain'], url: string): Promise<void> {
  const addressOf = (route: string, path: string) =>
    `${url}/${route}?${new URLSearchParams({ url: `${plain.url}${path}` })}`

  await inspect(page, addressOf)
  await relay(page, addressOf)
  const before = plain.requests.length
  await feed(page, addressOf('feed', '/ticks?every=50'))
  const upgrades = plain.requests.length - before
  page.claim(upgrades === 1, `the upstream saw ${upgrades} socket for all ${CLIENTS} clients`)
  const other = await fetch(`${url}/inspect?url=wss://elsewhere.example`)
  page.claim(other.status === 403, `any other upstream: ${other.status} ${other.statusText}`)
}

type AddressOf = (route: string, path: string) => string

async function inspect(page: Page, addressOf: AddressOf): Promise<void> {
  const ask = async (path: string) => (await fetch(addressOf('inspect', path))).json() as Promise<Answer>
  const success = await ask('/subprotocols')
  const { open, status, statusText, transport, times } = success
  page.claim(open && status === 101, `/inspect: ${status} ${statusText} over ${transport} in ${times.answer} ms`)
  const refusal = await ask('/refuse?status=503&retry-after=3')
  const { code, retriable, retryAfter } = refusal
  const isTold = code === 'UPGRADE_REFUSED' && retriable === true && retryAfter === 3000
  page.claim(isTold, `/inspect: ${refusal.status} ${refusal.statusText}, worth a retry after ${retryAfter} ms`)
}

interface Answer {
  readonly open: boolean
  readonly status: number
  readonly statusText: string
  readonly transport: string
  readonly times: { readonly answer: number }
  readonly code?: string
  readonly retriable?: boolean
  readonly retryAfter?: number
}

async function relay(page: Page, addressOf: AddressOf): Promise<void> {
  const ws = await connect(addressOf('relay', '/echo'))
  await ws.send('hello')
  const echo = await ws.receive()
  await ws.close(4000, 'done')
  page.claim(echo === 'hello' && ws.closeStatus === 4000, `/relay: "${echo}" back, closed with ${ws.closeStatus}`)

  const seen = await connect(addressOf('relay', '/headers'))
  const headers = String(await seen.receive())
  await seen.close()
  page.claim(headers.includes('from the Worker'), '/relay: the upstream got its secret, which the caller never had')

  const { response } = await failureOf(addressOf('relay', '/refuse?status=429&retry-after=3'))
  const reason = response?.headers.get('x-reason')
  const isPassed = response?.status === 429 && reason === 'no' && response.headers.getSetCookie().length === 0
  page.claim(isPassed, `/relay: passes a refusal on: ${response?.status}, x-reason: ${reason}, but no cookies`)
}

async function feed(page: Page, address: string): Promise<void> {
  const clients = await Promise.all(Array.from({ length: CLIENTS }, () => connect(address)))
  const all = await Promise.all(clients.map(takeTicks))
  await Promise.all(clients.map((ws) => ws.close()))
  const isInOrder = all.every((ticks) => ticks.every((tick, i) => i === 0 || tick === ticks[i - 1]! + 1))
  page.claim(
    isInOrder && all.flat().length === CLIENTS * TICKS,
    `/feed: ${CLIENTS} clients, each got ${TICKS} messages in order`,
  )
}

async function takeTicks(ws: ClientWebSocket): Promise<number[]> {
  const ticks: number[] = []
  while (ticks.length < TICKS) ticks.push(Number(String(await ws.receive()).replace('tick ', '')))
  return ticks
}
