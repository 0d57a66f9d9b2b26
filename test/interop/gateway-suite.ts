/** What has to work through every gateway, in every way it offers. */
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, afterEach, beforeAll, describe, expect, onTestFinished, test } from 'vitest'
import { type ClientWebSocket, ProtocolError } from '../../src/index.ts'
import { failure, rejection } from '../support/servers.ts'
import { expectEcho, expectLost, expectSame, receiveAll } from './check.ts'
import { Gateway } from './gateway.ts'
import type { GatewayProgram } from './gateways.ts'
import { binary, SIZES, text } from './messages.ts'
import { WAYS, type Way } from './ways.ts'

/** As many as these allow on one connection of HTTP/2; RFC 9113 §6.5.2 recommends no fewer. */
const MANY = 100
/** Bad Gateway, Service Unavailable. */
const GATEWAY_ERRORS = [502, 503]

interface Refusal {
  readonly status: number
  readonly query: string
  readonly body: string
  readonly retryAfter?: number
}

const REFUSALS: readonly Refusal[] = [
  { status: 401, query: 'framing=length', body: 'refused' },
  { status: 403, query: 'framing=chunked', body: 'refused' },
  { status: 404, query: 'framing=close&size=60000', body: 'refused'.padEnd(60_000, '.') },
  { status: 503, query: 'framing=length&retry-after=7', body: 'refused', retryAfter: 7000 },
]

export function gatewaySuite(kind: GatewayProgram): void {
  describe.each(kind.ways)(`${kind.name}, %s`, (name) => {
    const way = WAYS[name]
    let gateway: Gateway
    beforeAll(async () => {
      gateway = await Gateway.start(kind)
    })
    afterEach(() => gateway.release())
    afterAll(() => gateway.stop())

    openingTests(way, () => gateway)
    messageTests(way, () => gateway)
    closingTests(way, () => gateway)
    faultTests(way, kind)
    if (way.httpVersion === '2') limitTests(way, () => gateway)
  })
  describe(`${kind.name}, HTTP/2 or lower`, () => negotiationTests(kind))
}

function openingTests(way: Way, gateway: () => Gateway): void {
  test('the answer of the backend arrives with its headers, and the request with those of the caller', async () => {
    const socket = await gateway().open(way, '/headers', { headers: { 'x-asked': 'one, two', cookie: 'a=b; c=d' } })
    expect(socket).toMatchObject({ httpVersion: way.httpVersion, httpStatusCode: way.httpVersion === '2' ? 200 : 101 })
    expect(socket.httpResponseHeaders?.get('x-hello')).toBe('world')
    expect(socket.httpResponseHeaders?.getSetCookie()).toEqual(['a=1', 'b=2'])
    expect(gateway().backend.requests.at(-1)?.headers).toMatchObject({ 'x-asked': 'one, two', cookie: 'a=b; c=d' })
  })

  test('the subprotocol that the backend chooses is agreed on', async () => {
    const subprotocols = ['one', 'two.v2', 'three']
    const path = '/subprotocols?choose=two.v2'
    expect(await gateway().open(way, path, { subprotocols })).toMatchObject({ subprotocol: 'two.v2' })
    expect(await gateway().open(way, '/echo', { subprotocols })).toMatchObject({ subprotocol: '' })
  })

  test.each(REFUSALS)('a refusal with $status, $query arrives whole', async ({ status, query, body, retryAfter }) => {
    const refused = gateway().open(way, `/refuse?status=${status}&${query}`)
    const { response, ...error } = await failure(refused, 'UPGRADE_REFUSED')
    expect(error).toMatchObject({ retriable: status === 503, retryAfter })
    expect(response).toMatchObject({ status, httpVersion: way.httpVersion, bodyTruncated: false })
    expect(Buffer.from(response?.body ?? []).toString()).toBe(body)
    expect(response?.headers.get('x-reason')).toBe('no')
    expect(response?.headers.getSetCookie()).toEqual(['a=1', 'b=2'])
  })

  test('a backend that answers 200 as if nothing were special does not look like an open socket for long', async () => {
    const opening = gateway().open(way, '/refuse?status=200&size=1000')
    if (way.httpVersion === '1.1') {
      expect((await failure(opening, 'UPGRADE_REFUSED')).response?.status).toBe(200)
    } else {
      const outcome = await rejection(opening.then((socket) => receiveAll(socket)))
      expect(outcome).toBeInstanceOf(ProtocolError)
    }
  })

  test('a backend that never answers is given up in time', async () => {
    const healthy = await gateway().open(way, '/echo')
    await failure(gateway().open(way, '/silent', { handshakeTimeout: 200 }), 'HANDSHAKE_TIMEOUT')
    await expectEcho(healthy, 'still here')
  })
}

function messageTests(way: Way, gateway: () => Gateway): void {
  test('messages of every size come back as they went', async () => {
    const socket = await gateway().open(way, '/echo')
    for (const size of SIZES) {
      await expectEcho(socket, text(size))
      await expectEcho(socket, binary(size))
    }
  })

  test('messages that overlap come back in order', async () => {
    const socket = await gateway().open(way, '/echo')
    const sent = Array.from({ length: 2000 }, (_, i) => (i % 2 === 0 ? binary((i * 37) % 5000) : `${i}`))
    const all = Promise.all(sent.map((message) => socket.send(message)))
    for (const message of sent) expectSame(await socket.receive(), message)
    await all
  })

  test('a reader that is late loses nothing', async () => {
    const socket = await gateway().open(way, '/messages?count=300&size=100000')
    const other = await gateway().open(way, '/echo')
    await sleep(100)
    await expectEcho(other, binary(100_000))
    for (let left = 300; left > 0; left--) expectSame(await socket.receive(), Buffer.alloc(100_000, 'x'))
  })

  test('a Ping is answered', async () => {
    const socket = await gateway().open(way, '/echo')
    expect(await socket.ping('are you there?')).toBeGreaterThan(0)
  })

  test(`${MANY} sockets at once have their own messages`, async () => {
    const sockets = await openMany(gateway(), way, MANY)
    await Promise.all(
      sockets.map(async (socket, index) => {
        await expectEcho(socket, `I am ${index}`)
        await expectEcho(socket, binary(64_000 + index))
      }),
    )
    expect(await gateway().connections(way.scheme)).toBe(way.httpVersion === '2' ? 1 : MANY)
    await Promise.all(sockets.map((socket) => socket.close()))
    expect(sockets.map((socket) => socket.closeStatus)).toEqual(Array(MANY).fill(1000))
  })
}

function limitTests(way: Way, gateway: () => Gateway): void {
  test('sockets beyond the limit of one connection go over a second', async () => {
    const sockets = await openMany(gateway(), way, MANY + 1)
    await Promise.all(sockets.map((socket, index) => expectEcho(socket, `I am ${index}`)))
    expect(await gateway().connections(way.scheme)).toBe(2)
  })
}

function closingTests(way: Way, gateway: () => Gateway): void {
  test('a close of ours is answered with its own code and reason', async () => {
    const socket = await gateway().open(way, '/echo')
    await socket.send('before')
    await socket.close(4001, 'that was ⅔ of it')
    expect(socket).toMatchObject({ state: 'closed', closeStatus: 4001, closeStatusDescription: 'that was ⅔ of it' })
    expect(await socket.receive()).toBe('before')
  })

  test.each([
    { query: 'code=4002&reason=enough', closeStatus: 4002, closeStatusDescription: 'enough' },
    { query: 'code=1001', closeStatus: 1001, closeStatusDescription: '' },
    { query: '', closeStatus: 1005, closeStatusDescription: '' },
  ])('a close of the backend, $query, arrives', async ({ query, ...expected }) => {
    const socket = await gateway().open(way, `/close?${query}`)
    expect(await socket.receive()).toBeUndefined()
    await socket.close()
    expect(socket).toMatchObject({ state: 'closed', ...expected })
  })
}

function faultTests(way: Way, kind: GatewayProgram): void {
  test('a backend that is cut off ends its sockets without a Close frame, and new ones are refused', async () => {
    const gateway = await ownGateway(kind)
    const [idle, busy] = [await gateway.open(way, '/echo'), await gateway.open(way, '/messages?count=5000&size=10000')]
    await expectEcho(idle, 'here')
    expect(await busy.receive()).toBeDefined()
    await gateway.backend.close()
    await Promise.all([expectLost(idle), expectLost(busy)])
    const { response } = await failure(gateway.open(way, '/echo'), 'UPGRADE_REFUSED')
    expect(GATEWAY_ERRORS).toContain(response?.status)
  })

  test('a backend that is cut off before it has answered fails the handshake', async () => {
    const gateway = await ownGateway(kind)
    const opening = failure(gateway.open(way, '/silent'), 'UPGRADE_REFUSED')
    await expect.poll(() => gateway.backend.requests.length, { interval: 5 }).toBe(1)
    await gateway.backend.close()
    const { response, retriable } = await opening
    expect(GATEWAY_ERRORS).toContain(response?.status)
    expect(retriable).toBe(true)
  })

  test('a gateway that is shut down ends its sockets', async () => {
    const gateway = await ownGateway(kind)
    const sockets = [await gateway.open(way, '/echo'), await gateway.open(way, '/echo')]
    await gateway.shutDown()
    await Promise.all(sockets.map(expectLost))
    await failure(gateway.open(way, '/echo'), 'CONNECTION_REFUSED')
  })

  test('sockets outlive a reload of the gateway, and new ones can be opened', async () => {
    const gateway = await ownGateway(kind)
    const old = [await gateway.open(way, '/echo'), await gateway.open(way, '/echo')]
    await gateway.reload()
    for (const socket of old) await expectEcho(socket, binary(1_000_000))
    const fresh = [await gateway.open(way, '/echo'), await gateway.open(way, '/echo')]
    // What was told to go away is used no more.
    expect(await gateway.connections(way.scheme)).toBe(way.httpVersion === '2' ? 2 : 4)
    for (const socket of [...old, ...fresh]) {
      await expectEcho(socket, text(100_000))
      await socket.close(1000, 'done')
      expect(socket).toMatchObject({ state: 'closed', closeStatus: 1000, closeStatusDescription: 'done' })
    }
  })
}

function negotiationTests(kind: GatewayProgram): void {
  const isOffered = kind.ways.includes('wss over HTTP/2')

  test(`wss goes over ${isOffered ? 'HTTP/2' : 'HTTP/1.1, and does not ask again'}`, async () => {
    const gateway = await ownGateway(kind)
    const options = { httpVersion: '2', tls: { ca: gateway.ca } } as const
    for (const connections of isOffered ? [1, 1, 1] : [2, 3, 4]) {
      const socket = await gateway.openWith('wss', '/echo', options)
      expect(socket.httpVersion).toBe(isOffered ? '2' : '1.1')
      await expectEcho(socket, text(1000))
      // Without extended CONNECT the first connection, over HTTP/2, is of no use for sockets; requests may need it.
      expect(await gateway.connections('wss')).toBe(connections)
    }
  })

  test('ws goes over HTTP/1.1', async () => {
    const gateway = await ownGateway(kind)
    const socket = await gateway.openWith('ws', '/echo', { httpVersion: '2' })
    expect(socket.httpVersion).toBe('1.1')
    await expectEcho(socket, text(1000))
  })
}

/** A gateway for one test, which may break it. */
async function ownGateway(kind: GatewayProgram): Promise<Gateway> {
  const gateway = await Gateway.start(kind)
  onTestFinished(() => gateway.stop())
  return gateway
}

function openMany(gateway: Gateway, way: Way, count: number): Promise<ClientWebSocket[]> {
  return Promise.all(Array.from({ length: count }, () => gateway.open(way, '/echo')))
}
