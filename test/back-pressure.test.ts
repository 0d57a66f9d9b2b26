import { fork } from 'node:child_process'
import { once } from 'node:events'
import { setTimeout } from 'node:timers/promises'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { Agent } from 'undici'
import { beforeAll, describe, expect, onTestFinished, test } from 'vitest'
import { type ClientWebSocketOptions, connect } from '../src/index.ts'
import { type Authority, createAuthority } from './support/certificates.ts'
import { aborted } from './support/servers.ts'
import type { Traffic } from './support/traffic-server.ts'

const KiB = 1024
const MiB = 1024 * KiB
const SIZE = 64 * KiB
const HIGH_WATER_MARK = 256 * KiB
/** What a process that handles a lot may grow by, whatever it keeps: compiled code, garbage, buffers of the socket. */
const SLACK = 32 * MiB

let authority: Authority
beforeAll(async () => {
  authority = await createAuthority()
})

setFlagsFromString('--expose-gc')
const collectGarbage: () => void = runInNewContext('gc')

/** Bytes that this process holds: what it can reach, and all there is. */
async function memory(): Promise<{ held: number; resident: number }> {
  // Buffers are freed only some time after they were found to be garbage.
  for (let i = 0; i < 3; i++) {
    collectGarbage()
    await setTimeout(5)
  }
  const { heapUsed, external, rss } = process.memoryUsage()
  return { held: heapUsed + external, resident: rss }
}

/** A server in another process. */
async function trafficServer(secure: boolean) {
  const certificate = secure ? [JSON.stringify(await authority.issue())] : []
  const child = fork(new URL('support/traffic-server.ts', import.meta.url), certificate, { execArgv: [] })
  const gone = once(child, 'exit')
  onTestFinished(async () => {
    child.kill()
    await gone
  })
  const next = async () => (await once(child, 'message'))[0] as Traffic
  const { port } = await next()
  return {
    url: secure ? `wss://localhost:${port}` : `ws://127.0.0.1:${port}`,
    next,
    tellToRead: () => child.send('read'),
  }
}

/** The first connection loads what all share: the core and its memory, TLS and its certificates. */
async function warmUp(url: string, options: ClientWebSocketOptions): Promise<void> {
  await using socket = await connect(`${url}/flood?bytes=${4 * MiB}&size=${SIZE}`, options)
  for await (const _ of socket);
}

/** Waits until a number stands still: the buffers between the two are full. */
async function still(number: () => Promise<number>): Promise<number> {
  let last = -1
  for (let times = 0; times < 10; times++) {
    const now = await number()
    if (now !== last || now === 0) times = 0
    last = now
  }
  return last
}

const CASES: readonly (readonly [
  name: string,
  secure: boolean,
  total: number,
  options: () => ClientWebSocketOptions,
])[] = [
  ['tcp over ws', false, 1024 * MiB, () => ({})],
  ['tcp over wss', true, 256 * MiB, () => ({ tls: { ca: authority.ca } })],
  ['a dispatcher over ws', false, 256 * MiB, () => ({ dispatcher: new Agent() })],
]

describe.each(CASES)('%s', (_, secure, total, options) => {
  test(`a reader that stops holds back a server that sends ${total / MiB} MiB`, async () => {
    const server = await trafficServer(secure)
    await warmUp(server.url, options())
    const before = await memory()
    const socket = aborted(await connect(`${server.url}/flood?bytes=${total}&size=${SIZE}`, options()))
    let received = ((await socket.receive()) as Uint8Array).length
    const sent = await still(async () => (await server.next()).sent)
    expect(sent).toBeLessThan(total / 4)
    const stopped = await memory()
    expect(stopped.held - before.held).toBeLessThan(4 * HIGH_WATER_MARK)
    expect(stopped.resident - before.resident).toBeLessThan(SLACK)
    for await (const message of socket) received += (message as Uint8Array).length
    expect(received).toBe(total)
    const after = await memory()
    expect(after.held - before.held).toBeLessThan(4 * HIGH_WATER_MARK)
  })

  test('a server that stops reading holds back send', async () => {
    const server = await trafficServer(secure)
    await warmUp(server.url, options())
    const before = await memory()
    const socket = aborted(await connect(`${server.url}/sink`, options()))
    const message = new Uint8Array(SIZE)
    const count = total / 8 / SIZE
    let sent = 0
    let most = 0
    const sending = (async () => {
      for (; sent < count; sent++) {
        const room = socket.send(message)
        most = Math.max(most, socket.bufferedAmount)
        await room
      }
    })()
    await still(async () => (await server.next()) && sent)
    expect(sent).toBeLessThan(count)
    expect(socket.bufferedAmount).toBeGreaterThanOrEqual(HIGH_WATER_MARK)
    expect((await memory()).held - before.held).toBeLessThan(8 * HIGH_WATER_MARK)
    server.tellToRead()
    await sending
    expect(most).toBeLessThan(HIGH_WATER_MARK + 2 * SIZE)
    await expect.poll(async () => (await server.next()).received).toBe(count * (SIZE + 14))
    expect(socket.bufferedAmount).toBe(0)
  })
})

test('an iterator that is kept holds no message that it has given', async () => {
  const { url } = await trafficServer(false)
  const socket = aborted(await connect(`${url}/flood?bytes=240000&size=80000`))
  await expect.poll(() => socket.closeStatus).toBe(1000)
  const iterator = socket[Symbol.asyncIterator]()
  const given: WeakRef<Uint8Array>[] = []
  for (let i = 0; i < 3; i++) given.push(new WeakRef((await iterator.next()).value as Uint8Array))
  // What a WeakRef was made of is held until the next turn.
  await memory()
  expect(given.map((message) => message.deref())).toEqual([undefined, undefined, undefined])
  expect(await iterator.next()).toEqual({ done: true, value: undefined })
})
