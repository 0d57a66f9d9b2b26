import { type ConnectionClosedError, reconnecting, type TransportName } from 'hawser'
import { expect, inject, test } from 'vitest'

const { server, peer } = inject('contract').ws

test.each<TransportName>(['fetch', 'tcp'])(
  'a refusal and a loss are followed by another attempt, over %s',
  async (transport) => {
    const targets = [
      `${server}/refuse?status=503`,
      `${server}/close?code=1012`,
      `${peer}/drop-at-once?count=0`,
      `${server}/echo`,
    ]
    const attempts: number[] = []
    const url = (attempt: number) => {
      attempts.push(attempt)
      return targets[attempt - 1]!
    }
    const ends: unknown[] = []
    for await (const ws of reconnecting(url, {
      transport: transport as 'fetch' | 'tcp',
      backOff: { initialDelay: 5 },
    })) {
      if (ws.url.endsWith('/echo')) {
        await ws.send('hello')
        expect(await ws.receive()).toBe('hello')
        break
      }
      ends.push((await ws.receive().catch((error: ConnectionClosedError) => error.code)) ?? ws.closeStatus)
    }
    expect(attempts).toEqual([1, 2, 3, 4])
    expect(ends).toEqual([1012, 'CONNECTION_CLOSED'])
  },
)

test('leaving during a delay ends it', async () => {
  const loop = reconnecting(`${server}/refuse?status=503&retry-after=3600`)
  const next = loop.next()
  await new Promise((resolve) => setTimeout(resolve, 100))
  const over = { done: true, value: undefined }
  expect(await Promise.all([loop.return(), next])).toEqual([over, over])
})
