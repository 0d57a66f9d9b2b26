import { describe, expect, type TestContext, test, vi } from 'vitest'
import { type RunningWorker, startWorker, WORKER_NAME } from '../support/miniflare.ts'
import { addressOf, Caller, refusalOf } from './calls.ts'
import { Upstream } from './upstream.ts'

const SECRET = 'Bearer never-to-be-seen'

interface Fed {
  readonly upstream: Upstream
  readonly worker: RunningWorker
  readonly address: string
}

/** Tests run side by side: each clears up after itself. */
async function start({ onTestFinished }: TestContext, banner?: string): Promise<Fed> {
  const upstream = await Upstream.start()
  onTestFinished(() => upstream[Symbol.asyncDispose]())
  const secrets = JSON.stringify({ [upstream.url]: { authorization: SECRET } })
  const worker = await startWorker({ UPSTREAMS: upstream.url, UPSTREAM_HEADERS: secrets }, banner)
  onTestFinished(() => worker.close())
  return { upstream, worker, address: addressOf(worker, 'feed', `${upstream.url}/topic`) }
}

function eventually(assertion: () => void, timeout = 5000): Promise<void> {
  return vi.waitFor(assertion, { timeout, interval: 10 })
}

const later = (milliseconds: number) => new Promise((resolve) => setTimeout(resolve, milliseconds))

/** A client of the feed, after the upstream is there. */
async function subscribe({ upstream, address }: Fed): Promise<Caller> {
  const client = await Caller.open(address)
  await eventually(() => expect(upstream.webSocket).toBeDefined())
  return client
}

const open = (clients: readonly Caller[]) =>
  clients.filter(({ webSocket }) => webSocket.readyState === webSocket.OPEN).length

describe('/feed to many', () => {
  test('1,000 clients share one upstream socket, and none is dropped while it is away', {
    timeout: 60_000,
  }, async (context) => {
    const fed = await start(context)
    const { upstream } = fed
    const clients: Caller[] = []
    for (let i = 0; i < 10; i++) {
      clients.push(...(await Promise.all(Array.from({ length: 100 }, () => Caller.open(fed.address)))))
    }
    await eventually(() => expect(upstream.webSocket).toBeDefined())

    const sent: string[] = []
    const send = (count: number) => {
      for (let i = 0; i < count; i++) {
        sent.push(`message ${sent.length}`)
        upstream.webSocket.send(sent.at(-1)!)
      }
    }
    const received = () => clients.filter(({ messages }) => messages.length === sent.length).length
    send(20)
    await eventually(() => expect(received()).toBe(1000), 20_000)

    upstream.cut()
    await eventually(() => expect(upstream.webSockets).toHaveLength(2), 10_000)
    await eventually(() => expect(upstream.webSocket).toBeDefined())
    send(20)
    await eventually(() => expect(received()).toBe(1000), 20_000)

    expect(clients.every(({ messages }) => messages.join() === sent.join())).toBe(true)
    expect(open(clients)).toBe(1000)
    expect([upstream.most, upstream.asked.length]).toEqual([1, 2])
  })
})

// They wait for most of their time.
describe.concurrent('/feed', () => {
  test('gives the upstream its secrets, and passes bytes on as bytes', async (context) => {
    const fed = await start(context)
    const client = await subscribe(fed)
    fed.upstream.webSocket.send(Buffer.from([0, 255]))
    fed.upstream.webSocket.send('text')
    await eventually(() => expect(client.messages).toEqual([Buffer.from([0, 255]), 'text']))
    expect(fed.upstream.asked[0]!.request.headers.authorization).toBe(SECRET)
    expect(fed.upstream.asked[0]!.request.url).toBe('/topic')
  })

  test('another URL is another feed', async (context) => {
    const fed = await start(context)
    await subscribe(fed)
    await Caller.open(addressOf(fed.worker, 'feed', `${fed.upstream.url}/other`))
    await eventually(() => expect(fed.upstream.connections).toBe(2))
  })

  test('a client that sends is closed with 1008, the others go on', async (context) => {
    const fed = await start(context)
    const [sender, listener] = [await subscribe(fed), await subscribe(fed)]
    sender.webSocket.send('hello')
    expect(await sender.closed).toEqual({ code: 1008, reason: 'A feed is read-only.' })
    fed.upstream.webSocket.send('news')
    await eventually(() => expect(listener.messages).toEqual(['news']))
  })

  test('a client that closes is answered', async (context) => {
    const fed = await start(context)
    const [leaver, stayer] = [await subscribe(fed), await subscribe(fed)]
    leaver.webSocket.close(4001, 'bye')
    expect((await leaver.closed).code).toBe(4001)
    fed.upstream.webSocket.send('news')
    await eventually(() => expect(stayer.messages).toEqual(['news']))
  })

  test('a close of the upstream, too, is not the end', async (context) => {
    const fed = await start(context)
    const client = await subscribe(fed)
    fed.upstream.webSocket.close(1000)
    await eventually(() => expect(fed.upstream.webSockets).toHaveLength(2))
    await eventually(() => expect(fed.upstream.webSocket).toBeDefined())
    fed.upstream.webSocket.send('again')
    await eventually(() => expect(client.messages).toEqual(['again']))
    expect(fed.upstream.most).toBe(1)
  })

  test('waits as long as a refusal asks for, and longer from time to time', async (context) => {
    const fed = await start(context)
    const { upstream } = fed
    upstream.refusal = { status: 503, headers: ['retry-after: 2'] }
    const client = await Caller.open(fed.address)
    await eventually(() => expect(upstream.asked).toHaveLength(1))
    // Neither newcomers nor those who leave hurry it.
    const newcomer = await Caller.open(fed.address)
    newcomer.webSocket.close()
    await newcomer.closed
    upstream.refusal = { status: 521 }
    await eventually(() => expect(upstream.asked).toHaveLength(4), 10_000)
    const waits = upstream.asked.slice(1).map(({ time }, i) => time - upstream.asked[i]!.time)
    expect(waits[0]).toBeGreaterThanOrEqual(2250)
    expect(waits[0]).toBeLessThan(3500)
    expect(waits[1]).toBeGreaterThanOrEqual(500)
    expect(waits[2]).toBeGreaterThanOrEqual(1000)

    upstream.refusal = undefined
    await eventually(() => expect(upstream.webSocket).toBeDefined(), 10_000)
    upstream.webSocket.send('at last')
    await eventually(() => expect(client.messages).toEqual(['at last']))
    expect(upstream.most).toBe(1)
  })

  test('a refusal that is not worth a retry ends it: all are closed with 1011, and nobody asks again at once', async (context) => {
    const fed = await start(context)
    const clients = [await subscribe(fed), await subscribe(fed), await subscribe(fed)]
    fed.upstream.refusal = { status: 403, headers: ['retry-after: 0'] }
    fed.upstream.cut()
    for (const { closed } of clients) {
      expect(await closed).toEqual({ code: 1011, reason: expect.stringContaining('403 Forbidden') })
    }
    const { status, headers, body } = await refusalOf(fed.address)
    expect([status, headers['retry-after']]).toEqual([502, '10'])
    expect(String(body)).toContain('403 Forbidden')
    await later(1000)
    expect(fed.upstream.asked).toHaveLength(2)
  })

  test('when the last client has left, the upstream is closed after a while', { timeout: 30_000 }, async (context) => {
    const fed = await start(context)
    const { upstream } = fed
    const clients = [await subscribe(fed), await subscribe(fed)]
    const closes: number[] = []
    upstream.webSocket.on('close', (code) => closes.push(code))
    clients[0]!.webSocket.close()
    clients[1]!.webSocket.terminate()
    // Whoever comes back soon enough finds it as it was.
    await later(3000)
    const again = await subscribe(fed)
    await later(3000)
    expect(upstream.asked).toHaveLength(1)
    again.webSocket.close()
    const left = performance.now()
    await eventually(() => expect(closes).toEqual([1000]), 10_000)
    expect(performance.now() - left).toBeGreaterThan(4500)
    await eventually(() => expect(upstream.connections).toBe(0))
    // And it begins anew.
    const late = await subscribe(fed)
    upstream.webSocket.send('anew')
    await eventually(() => expect(late.messages).toEqual(['anew']))
    expect(upstream.most).toBe(1)
  })

  test('outlives its eviction: clients stay, the upstream comes back, the wait goes on', {
    timeout: 30_000,
  }, async (context) => {
    const fed = await start(context)
    const { upstream, worker } = fed
    const evict = () =>
      worker.miniflare.unsafeEvictDurableObject(WORKER_NAME, 'Feed', {
        name: `${upstream.url}/topic`,
        webSockets: 'hibernate',
      })
    upstream.refusal = { status: 503, headers: ['retry-after: 2'] }
    const clients = [await Caller.open(fed.address), await Caller.open(fed.address)]
    await eventually(() => expect(upstream.asked).toHaveLength(1))
    await later(200)
    await evict()
    upstream.refusal = undefined
    await eventually(() => expect(upstream.webSocket).toBeDefined(), 10_000)
    expect(upstream.asked[1]!.time - upstream.asked[0]!.time).toBeGreaterThanOrEqual(2250)

    upstream.webSocket.send('still there')
    await eventually(() => expect(clients.map(({ messages }) => messages)).toEqual([['still there'], ['still there']]))
    expect(open(clients)).toBe(2)
    expect(upstream.most).toBe(1)
  })

  // The runtime of these tests does not tell bufferedAmount yet: here it tells what was sent, as if nothing of it had
  // left.
  test('a client that does not keep up is closed with 1013, where the runtime tells', async (context) => {
    const banner = `{
      const { send } = WebSocket.prototype
      const amounts = new WeakMap()
      WebSocket.prototype.send = function (data) {
        amounts.set(this, (amounts.get(this) ?? 0) + (data.byteLength ?? data.length))
        send.call(this, data)
      }
      Object.defineProperty(WebSocket.prototype, 'bufferedAmount', { get() { return amounts.get(this) ?? 0 } })
    }`
    const fed = await start(context, banner)
    const client = await subscribe(fed)
    const message = Buffer.alloc(1024 * 1024)
    for (let i = 0; i < 3; i++) fed.upstream.webSocket.send(message)
    await eventually(() => expect(client.messages.length).toBe(3))
    const late = await subscribe(fed)
    for (let i = 0; i < 2; i++) fed.upstream.webSocket.send(message)
    expect(await client.closed).toEqual({ code: 1013, reason: 'This client does not keep up with the feed.' })
    await eventually(() => expect(late.messages.length).toBe(2))
    expect(open([late])).toBe(1)
  })
})
