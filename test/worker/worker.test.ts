import type { Miniflare } from 'miniflare'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { startWorker } from '../support/miniflare.ts'
import { startWebSocketServer } from '../support/websocket-server.ts'

describe('the Worker', () => {
  let server: Awaited<ReturnType<typeof startWebSocketServer>>
  let worker: Miniflare

  beforeAll(async () => {
    server = await startWebSocketServer()
    worker = await startWorker({ UPSTREAMS: server.url })
  })
  afterAll(async () => {
    await worker.dispose()
    await server.close()
  })

  const inspect = async (url: string) => {
    const response = await worker.dispatchFetch(`http://worker/inspect?url=${encodeURIComponent(url)}`)
    return { status: response.status, text: await response.text() }
  }

  test('tells what an upgrade was answered with', async () => {
    const { status, text } = await inspect(`${server.url}/headers`)
    expect(status).toBe(200)
    expect(JSON.parse(text)).toMatchObject({ open: true, status: 101, transport: 'tcp' })
    expect(text).toContain('x-hello')
  })

  test('tells how an upgrade was refused, and whether to retry', async () => {
    const { text } = await inspect(`${server.url}/refuse?status=503`)
    expect(JSON.parse(text)).toMatchObject({ open: false, code: 'UPGRADE_REFUSED', status: 503, retriable: true })
  })

  test('refuses a URL with a fragment', async () => {
    const { status, text } = await inspect(`${server.url}/echo#fragment`)
    expect(status).toBe(400)
    expect(text).toContain('fragment')
  })

  test('does not ask an upstream that is not allowed', async () => {
    expect((await inspect('wss://elsewhere.example')).status).toBe(403)
  })
})
