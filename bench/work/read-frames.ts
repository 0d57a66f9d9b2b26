/** Reading frames without a connection: from chunks of 64 KiB to messages. */
import { INPUT } from '../../src/codec/layout.ts'
import type { Figures, Job } from '../job.ts'
import { frame, payload } from '../server/frames.ts'
import { codecModule, protocolModule, randomModule, repeat, undiciReceiver, ws } from './internals.ts'

type Message = string | Uint8Array
/** Reads a chunk, which is always the same. */
type Reader = (chunk: Buffer) => void

const CHUNK = 65536

async function hawser(_: Job, take: (message: Message) => void): Promise<Reader> {
  const [{ loadCodec }, { Protocol }, { randomWord }] = await Promise.all([
    codecModule(),
    protocolModule(),
    randomModule(),
  ])
  const limits = { maxMessageSize: 64 * 1024 * 1024, maxFragments: 131_072, allowHalfOpen: false }
  const { codec, arena } = loadCodec()
  const protocol = new Protocol({ codec, arena, nextKey: randomWord }, limits, {
    isFull: false,
    isAwaited: true,
    takeStream: () => undefined,
    onMessage: take,
    onPong: () => {},
    onClose: () => {},
  })
  // A socket of hawser's own reads into this memory.
  let landed: Uint8Array | undefined
  return (chunk) => {
    if (landed === undefined) {
      landed = codec.memory.subarray(INPUT, INPUT + chunk.length)
      landed.set(chunk)
    }
    const error = protocol.receive(landed)
    if (error) throw error
  }
}

async function library(_: Job, take: (message: Message) => void): Promise<Reader> {
  const receiver = new (
    (ws() as unknown as { Receiver: unknown }).Receiver as new () => NodeJS.EventEmitter & {
      write(chunk: Buffer): void
    }
  )()
  receiver.on('message', (data: Buffer, isBinary: boolean) => take(isBinary ? data : data.toString()))
  return (chunk) => receiver.write(chunk)
}

async function undici({ kind }: Job, take: (message: Message) => void): Promise<Reader> {
  const decoder = new TextDecoder('utf-8', { fatal: true })
  const onMessage = (_: number, data: Buffer) => take(kind === 'text' ? decoder.decode(data) : data)
  const parser = new (undiciReceiver().ByteParser)({ onMessage }, null)
  return (chunk) => parser.write(chunk)
}

const PEERS: Readonly<Record<string, typeof hawser>> = { hawser, ws: library, undici }

export async function measure(job: Job): Promise<Figures> {
  const expected = job.kind === 'text' ? payload(job.size).toString() : payload(job.size)
  let isVerifying = true
  let count = 0
  let bytes = 0
  const read = await PEERS[job.peer]!(job, (message) => {
    count++
    bytes += message.length
    if (isVerifying && Buffer.compare(Buffer.from(message as string), Buffer.from(expected)) !== 0) {
      throw new Error('Another message was read')
    }
  })
  const one = frame(job.kind, payload(job.size), false)
  const inChunk = Math.floor(CHUNK / one.length)
  const chunk = Buffer.concat(Array<Buffer>(inChunk).fill(one))
  read(chunk)
  if (count !== inChunk || bytes !== inChunk * job.size) throw new Error('Not all messages were read')
  isVerifying = false
  return await repeat(job, inChunk, () => read(chunk))
}
