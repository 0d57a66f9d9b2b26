import { OptionsError } from 'hawser'
import { failure, holds, rejection, same } from './check.ts'
import type { Case, Cases } from './suite.ts'

const PING = 9
const PONG = 10

/** A case that sends Pings; where there are none, that is said, and does no harm. */
function pinging(run: Case): Case {
  return async (context) => {
    if (context.harness.can.pings) {
      await run(context)
      return
    }
    const socket = await context.open('/echo')
    await failure(socket.ping('x'), OptionsError, { option: 'transport' })
    await socket.send('still there')
    same(await socket.receive(), 'still there')
  }
}

/** Pings of either side. */
export const pings: Cases = {
  'a Ping tells its round-trip time': pinging(async ({ open }) => {
    const socket = await open('/echo')
    const roundTrip = await socket.ping()
    // The clock of Workers may stand still meanwhile.
    holds(roundTrip >= 0 && roundTrip < 10_000, `${roundTrip} is a time in milliseconds`)
  }),

  'Pings may overlap, with and without payloads': pinging(async ({ open }) => {
    const socket = await open('/echo')
    const payloads = [undefined, '', 'text', new Uint8Array(125), 'same', 'same']
    same((await Promise.all(payloads.map((payload) => socket.ping(payload)))).length, payloads.length)
  }),

  'one Pong may answer all Pings before it': pinging(async ({ openPeer }) => {
    const { socket, seen } = await openPeer('/late-pong?count=3')
    await Promise.all([socket.ping('a'), socket.ping('b'), socket.ping('c')])
    same(await seen(), [
      { opcode: PING, masked: true, payload: '61' },
      { opcode: PING, masked: true, payload: '62' },
      { opcode: PING, masked: true, payload: '63' },
    ])
  }),

  'without a payload of its own a Ping has eight bytes': pinging(async ({ openPeer }) => {
    const { socket, seen } = await openPeer('/late-pong?count=1')
    await socket.ping()
    same((await seen())[0]?.payload.length, 16)
  }),

  'a payload holds at most 125 bytes': pinging(async ({ open }) => {
    const socket = await open('/echo')
    for (const payload of [new Uint8Array(126), 'x'.repeat(126), '€'.repeat(42)]) {
      await failure(socket.ping(payload), OptionsError, { option: 'payload' })
    }
    await failure(socket.ping(5 as never), OptionsError, { option: 'payload' })
    await socket.ping('€'.repeat(41))
  }),

  'a Ping that is given up leaves the connection open': pinging(async ({ openPeer }) => {
    const { socket } = await openPeer('/mute')
    const reason = new Error('no longer wanted')
    const controller = new AbortController()
    const answered = socket.ping('x', { signal: controller.signal })
    controller.abort(reason)
    same(await rejection(answered), reason)
    same(await rejection(socket.ping('x', { signal: AbortSignal.abort(reason) })), reason)
    same(socket.state, 'open')
    await socket.send('still there')
  }),

  "the server's Pings are answered with their payload": async ({ openPeer }) => {
    for (const payload of ['', 'x', 'p'.repeat(125)]) {
      const { seen } = await openPeer(`/ping?payload=${payload}`)
      const [pong] = await seen()
      same(pong, {
        opcode: PONG,
        masked: true,
        payload: '78'.repeat(payload === 'x' ? 1 : 0) || '70'.repeat(payload.length),
      })
    }
  },

  'Pings are answered while nobody receives': pinging(async ({ open }) => {
    const socket = await open('/messages?count=3&size=10')
    await socket.ping()
    await socket.ping()
    same(((await socket.receive()) as Uint8Array).length, 10)
  }),
}
