/** What the codec's rows need of hawser's build, and of the insides of ws and undici. */
import { createRequire } from 'node:module'
import type { Job } from '../job.ts'
import { Meter } from './meter.ts'

const fromRepository = createRequire(import.meta.url)
const fromPeers = createRequire(new URL('../peers/package.json', import.meta.url))

type Load<T> = Promise<T>
/** A file of the build, as its source declares it. */
const built = (path: string) => import(new URL(`../../dist/${path}.js`, import.meta.url).href)

export const codecModule = (): Load<typeof import('../../src/codec/load.ts')> => built('codec/load')
export const outboxModule = (): Load<typeof import('../../src/protocol/outbox.ts')> => built('protocol/outbox')
export const protocolModule = (): Load<typeof import('../../src/protocol/protocol.ts')> => built('protocol/protocol')
export const randomModule = (): Load<typeof import('../../src/random-words.ts')> => built('random-words')

/** In place. */
export type Unmask = (buffer: Buffer, mask: Buffer) => void
export const bufferutil = () => fromPeers('bufferutil') as { readonly unmask: Unmask }
export const ws = () => fromPeers('ws') as typeof import('ws')

interface UndiciFrame {
  createFrame(opcode: number): Buffer
}
interface UndiciFrames {
  readonly WebsocketFrameSend: {
    new (data: Buffer): UndiciFrame
    createFastTextFrame(data: Buffer): [Buffer, Buffer]
  }
}
export const undiciFrames = () => fromRepository('undici/lib/web/websocket/frame.js') as UndiciFrames

interface UndiciReceiver {
  readonly ByteParser: new (
    handler: { onMessage(type: number, data: Buffer): void },
    extensions: null,
  ) => { write(chunk: Buffer): void }
}
export const undiciReceiver = () => fromRepository('undici/lib/web/websocket/receiver.js') as UndiciReceiver

/**
 * Calls `once` again and again, which does so many things each time. Other work of the process has its turn between the
 * rounds.
 */
export async function repeat(job: Job, things: number, once: () => void): Promise<Meter['figures']> {
  const meter = new Meter(job)
  while (!meter.isDone) {
    for (let i = 0; i < 16; i++) {
      once()
      meter.tick(things)
    }
    await new Promise(setImmediate)
  }
  const { rate, cpu } = await meter.figures
  return { ...(rate !== undefined && { rate }), ...(cpu !== undefined && { cpu }) }
}
