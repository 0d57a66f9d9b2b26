/** Every combination of parameters, over every transport, with `ws` as the server that sends each message back. */
import { Agent } from 'undici'
import {
  type ClientWebSocket,
  type ClientWebSocketOptions,
  connect,
  type PerMessageDeflateOptions,
} from '../../src/index.ts'
import { randomIntegers } from '../codec/support.ts'
import { startHttp2Server } from '../support/http2-server.ts'
import { startWebSocketServer } from '../support/websocket-server.ts'
import { noise, prose, WINDOWS } from './support.ts'

export type Combination = Required<Omit<PerMessageDeflateOptions, 'threshold'>>

const TAKEOVER = [true, false] as const

export const COMBINATIONS: readonly Combination[] = WINDOWS.flatMap((clientMaxWindowBits) =>
  WINDOWS.flatMap((serverMaxWindowBits) =>
    TAKEOVER.flatMap((clientContextTakeover) =>
      TAKEOVER.map((serverContextTakeover) => ({
        clientMaxWindowBits,
        serverMaxWindowBits,
        clientContextTakeover,
        serverContextTakeover,
      })),
    ),
  ),
)

export function nameOf(combination: Combination): string {
  const { clientMaxWindowBits, serverMaxWindowBits, clientContextTakeover, serverContextTakeover } = combination
  const takeover = (isOn: boolean) => (isOn ? 'takeover' : 'no takeover')
  const ours = `${clientMaxWindowBits} bits and ${takeover(clientContextTakeover)}`
  return `${ours}, the server ${serverMaxWindowBits} bits and ${takeover(serverContextTakeover)}`
}

export interface Site {
  connect(options: ClientWebSocketOptions): Promise<ClientWebSocket>
  close(): Promise<void>
}

/** The transports, each with a server. */
export const SITES: Readonly<Record<'tcp' | 'http2' | 'dispatcher', () => Promise<Site>>> = {
  tcp: async () => {
    const server = await startWebSocketServer({ perMessageDeflate: true })
    return { connect: (options) => connect(`${server.url}/echo`, options), close: server.close }
  },
  http2: async () => {
    const server = await startWebSocketServer({ perMessageDeflate: true })
    const gateway = await startHttp2Server({ backendPort: server.port })
    const version = { httpVersion: '2', httpVersionPolicy: 'exact' } as const
    const close = async () => {
      await gateway.close()
      await server.close()
    }
    return { connect: (options) => connect(`${gateway.url}/echo`, { ...options, ...version }), close }
  },
  dispatcher: async () => {
    const server = await startWebSocketServer({ perMessageDeflate: true })
    const dispatcher = new Agent()
    const close = async () => {
      await dispatcher.destroy()
      await server.close()
    }
    return { connect: (options) => connect(`${server.url}/echo`, { ...options, dispatcher }), close }
  },
}

const LONGEST = 150_000
const WORDS = Buffer.from(prose(4 * LONGEST))
  .toString()
  .replaceAll('a', 'ä')
  .replaceAll('e ', '€ ')
const BYTES = Buffer.concat([prose(2 * LONGEST, 2), noise(2 * LONGEST)])
/** So many are under way at a time. */
const BURST = 50

function randomMessage(random: (bound: number) => number): string | Uint8Array {
  const size = random([20, 300, 300, 3000][random(4)]!)
  const length = random(400) === 0 ? random(LONGEST) : size
  const from = random(3 * LONGEST)
  return random(2) === 0 ? WORDS.slice(from, from + length) : BYTES.subarray(from, from + length)
}

function isSame(actual: unknown, expected: string | Uint8Array): boolean {
  if (typeof expected === 'string') return actual === expected
  return actual instanceof Uint8Array && Buffer.compare(actual, expected) === 0
}

/** Sends so many messages, and expects each of them to come back as it was. */
export async function exchange(socket: ClientWebSocket, count: number, seed: number): Promise<void> {
  const random = randomIntegers(seed)
  for (let done = 0; done < count; done += BURST) {
    const messages = Array.from({ length: Math.min(BURST, count - done) }, () => randomMessage(random))
    for (const message of messages) void socket.send(message)
    for (const [i, message] of messages.entries()) {
      const received = await socket.receive()
      if (!isSame(received, message)) throw new Error(`Message ${done + i} of seed ${seed} came back as another`)
    }
  }
}

/** Connects as the combination says, and exchanges messages. */
export async function runCombination(site: Site, combination: Combination, count: number): Promise<string> {
  const socket = await site.connect({ perMessageDeflate: { ...combination, threshold: 10 } })
  try {
    await exchange(socket, count, count + COMBINATIONS.indexOf(combination))
    return socket.extensions
  } finally {
    await socket.close()
  }
}
