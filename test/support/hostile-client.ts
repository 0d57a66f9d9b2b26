/**
 * A client whose memory is its own, for a server that means harm: `hostile-client.ts TASK`, a Task as JSON. It gets
 * warm with a server that means well, then does what it is told, and prints an Ending as JSON.
 */
import { setTimeout as later } from 'node:timers/promises'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { type ClientWebSocket, type ClientWebSocketOptions, connect, HandshakeError } from '../../src/index.ts'
import { peakMemory } from './peak-memory.ts'

export interface Task {
  readonly url: string
  /** An echo over the same transport. */
  readonly warmUp: string
  readonly transport: 'tcp' | 'http2' | 'dispatcher'
  readonly options: ClientWebSocketOptions
  /**
   * What it does: only connects; receives until the end; sends 64 KiB after 64 KiB until that fails; receives nothing
   * for `wait` milliseconds, and closes then; or closes at once.
   */
  readonly act: 'connect' | 'receive' | 'send' | 'rest' | 'close'
  readonly wait: number
  /** How many sockets do so at the same time. */
  readonly sockets: number
}

/** What came of the first socket. */
export interface Ending {
  /** Of the error of the act; undefined if there was none. */
  readonly code?: string
  /** Of that error's cause. */
  readonly cause?: string
  readonly violation?: string
  readonly limit?: number
  readonly retriable?: boolean
  readonly status?: number
  readonly bodyLength?: number
  readonly bodyTruncated?: boolean
  readonly attempts?: number
  readonly state: string
  readonly closeStatus?: number
  /** Messages. */
  readonly received: number
  /** The most that was unsent, in bytes. */
  readonly buffered: number
  /** How many sockets ended otherwise than the first. */
  readonly others: number
  /** By how much the process has grown at its peak, in bytes. */
  readonly growth: number
  /** In milliseconds, from the first call on. */
  readonly took: number
}

type Outcome = Omit<Ending, 'others' | 'growth' | 'took'>

const task: Task = JSON.parse(process.argv[2]!)
const CHUNK = new Uint8Array(65_536)
const FRESH = { received: 0, buffered: 0 }

const TRANSPORTS: Readonly<Record<Task['transport'], () => Promise<ClientWebSocketOptions>>> = {
  tcp: async () => ({}),
  http2: async () => ({ httpVersion: '2', httpVersionPolicy: 'exact' }),
  dispatcher: async () => ({ dispatcher: new (await import('undici')).Agent() }),
}

interface Progress {
  received: number
  buffered: number
}

const ACTS: Readonly<Record<Task['act'], (socket: ClientWebSocket, progress: Progress) => Promise<unknown>>> = {
  connect: async () => {},
  receive: async (socket, progress) => {
    for await (const messages of socket.batches()) progress.received += messages.length
  },
  send: async (socket, progress) => {
    for (;;) {
      const sent = socket.send(CHUNK)
      progress.buffered = Math.max(progress.buffered, socket.bufferedAmount)
      await sent
    }
  },
  rest: async (socket) => {
    await later(task.wait)
    await socket.close()
    // The end shows behind what has come before it.
    while ((await socket.receive()) !== undefined);
  },
  close: async (socket) => {
    await socket.close()
    while ((await socket.receive()) !== undefined);
  },
}

async function play(): Promise<Outcome> {
  const progress: Progress = { ...FRESH }
  let socket: ClientWebSocket | undefined
  try {
    socket = await connect(task.url, { ...transport, ...task.options })
    await ACTS[task.act](socket, progress)
    return { ...stateOf(socket), ...progress }
  } catch (error) {
    return { ...told(error), ...stateOf(socket), ...progress }
  } finally {
    socket?.abort()
  }
}

function stateOf(socket: ClientWebSocket | undefined): Pick<Ending, 'state' | 'closeStatus'> {
  const closeStatus = socket?.closeStatus
  return { state: socket?.state ?? 'none', ...(closeStatus !== undefined && { closeStatus }) }
}

function told(error: unknown): Partial<Ending> {
  const { code, violation, limit, cause } = error as Partial<Ending> & { cause?: { code?: string } }
  const details = error instanceof HandshakeError ? answerOf(error) : {}
  if (code === undefined) throw error
  return JSON.parse(JSON.stringify({ code, violation, limit, cause: cause?.code, ...details }))
}

function answerOf({ response, retriable, attempts }: HandshakeError) {
  const { status, body, bodyTruncated } = response ?? {}
  return { retriable, status, bodyLength: body?.length, bodyTruncated, attempts: attempts.length }
}

setFlagsFromString('--expose-gc')
const collect: () => void = runInNewContext('gc')

const transport = await TRANSPORTS[task.transport]()
const friend = await connect(task.warmUp, transport)
await friend.send('hello')
await friend.receive()
await friend.close()
collect()
const before = process.memoryUsage().rss
const started = performance.now()
const outcomes = await Promise.all(Array.from({ length: task.sockets }, play))
const took = performance.now() - started
const [first] = outcomes
const others = outcomes.filter(({ code, state }) => code !== first!.code || state !== first!.state).length
const growth = peakMemory() - before
console.log(JSON.stringify({ ...first!, others, growth, took } satisfies Ending))
process.exit()
