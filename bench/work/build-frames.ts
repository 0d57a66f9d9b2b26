/** Building frames without a connection: from a payload to the bytes that are to be written. */

import type { Figures, Job } from '../job.ts'
import { FrameAnswer } from '../server/answer.ts'
import { frame, payload } from '../server/frames.ts'
import { codecModule, outboxModule, randomModule, repeat, undiciFrames, ws } from './internals.ts'

/** Makes so many frames, and gives each piece of them to `take`. */
type Builder = (count: number, take: (piece: Uint8Array) => void) => void

const FINAL_TEXT = 0x81
const FINAL_BINARY = 0x82

async function hawser({ kind, size }: Job): Promise<Builder> {
  const [{ loadCodec }, { Outbox }, { randomWord }] = await Promise.all([codecModule(), outboxModule(), randomModule()])
  const { codec, arena } = loadCodec()
  const outbox = new Outbox(codec, arena, randomWord)
  const bytes = payload(size)
  const text = bytes.toString()
  return (count, take) => {
    for (let i = 0; i < count; i++) {
      if (kind === 'text') outbox.pushText(FINAL_TEXT, text)
      else outbox.push(FINAL_BINARY, bytes)
    }
    const chunks = outbox.take()
    for (const chunk of chunks) take(chunk)
    outbox.release(chunks)
  }
}

async function library({ kind, size }: Job): Promise<Builder> {
  const { Sender } = ws() as unknown as { Sender: { frame(data: Buffer, options: object): Buffer[] } }
  const bytes = payload(size)
  const text = bytes.toString()
  const isText = kind === 'text'
  return (count, take) => {
    for (let i = 0; i < count; i++) {
      const options = { fin: true, mask: true, opcode: isText ? 1 : 2, readOnly: !isText, rsv1: false }
      for (const piece of Sender.frame(isText ? Buffer.from(text) : bytes, options)) take(piece)
    }
  }
}

async function undici({ kind, size }: Job): Promise<Builder> {
  const { WebsocketFrameSend } = undiciFrames()
  const bytes = payload(size)
  const text = bytes.toString()
  return (count, take) => {
    for (let i = 0; i < count; i++) {
      if (kind === 'binary') take(new WebsocketFrameSend(bytes).createFrame(2))
      else for (const piece of Object.values(WebsocketFrameSend.createFastTextFrame(Buffer.from(text)))) take(piece)
    }
  }
}

const PEERS: Readonly<Record<string, (job: Job) => Promise<Builder>>> = { hawser, ws: library, undici }

/** The frames are unmasked as a server does it, and compared. */
function verify({ kind, size, burst }: Job, build: Builder): void {
  const answer = new FrameAnswer()
  const found: Buffer[] = []
  build(burst, (piece) => found.push(Buffer.from(answer.take(piece))))
  const expected = Buffer.concat(Array<Buffer>(burst).fill(frame(kind, payload(size), false)))
  if (Buffer.compare(Buffer.concat(found), expected) !== 0) throw new Error('Other frames were built')
}

export async function measure(job: Job): Promise<Figures> {
  const build = await PEERS[job.peer]!(job)
  verify(job, build)
  let bytes = 0
  const take = (piece: Uint8Array) => {
    bytes += piece.length
  }
  const figures = await repeat(job, job.burst, () => build(job.burst, take))
  if (bytes < job.size) throw new Error('Nothing was built')
  return figures
}
