/** A StreamDriver over a stream in memory. */
import { loadCodec } from '../../src/codec/load.ts'
import { createCompression } from '../../src/deflate/compression.ts'
import { StreamDriver, type StreamDriverOptions } from '../../src/driver/stream-driver.ts'
import { frame } from '../support/scripted-peer.ts'
import { MemoryStream } from './memory-stream.ts'

export const HIGH_WATER_MARK = 1000

const AGREED = {
  clientMaxWindowBits: 15,
  serverMaxWindowBits: 15,
  clientContextTakeover: true,
  serverContextTakeover: true,
}

export interface Running {
  readonly stream: MemoryStream
  readonly driver: StreamDriver
  /** What the server sends, at once. */
  receive(...frames: readonly Buffer[]): void
}

/** A driver that masks with zeros, so that what it sends can be read. With a threshold it compresses. */
export function start(options: Partial<StreamDriverOptions> = {}, threshold?: number): Running {
  const stream = new MemoryStream()
  const compression = threshold === undefined ? undefined : createCompression(AGREED, threshold)
  const driver = new StreamDriver(
    stream,
    { ...loadCodec(), nextKey: () => 0, compression },
    {
      closeTimeout: 10_000,
      keepAliveInterval: Infinity,
      keepAliveTimeout: Infinity,
      highWaterMark: HIGH_WATER_MARK,
      allowHalfOpen: false,
      maxMessageSize: 1_000_000,
      maxFragments: 1000,
      ...options,
    },
  )
  return { stream, driver, receive: (...frames) => stream.sink.onData(Buffer.concat(frames)) }
}

/** A frame as the driver sends it. */
export function sent(opcode: number, payload: string | Uint8Array = ''): Buffer {
  const unmasked = frame(opcode, payload)
  const header = unmasked.length - Buffer.from(payload).length
  unmasked[1]! |= 0x80
  return Buffer.concat([unmasked.subarray(0, header), Buffer.alloc(4), unmasked.subarray(header)])
}

/** Ends the connection, as the server would after the closing handshake. */
export function finish({ stream }: Running): void {
  stream.sink.onClosed(undefined)
}

export async function isPending(promise: Promise<unknown>): Promise<boolean> {
  const pending = Symbol('pending')
  return (await Promise.race([promise, Promise.resolve(pending)])) === pending
}
