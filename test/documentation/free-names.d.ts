/** What the examples of the documentation leave to the reader: names that stand for something of the reader's own. */
import type { Buffer } from 'node:buffer'
import type { Duplex } from 'node:stream'
import type * as hawser from 'hawser'

declare global {
  /** Examples that go on where others began do not import it again. */
  const connect: typeof hawser.connect
  const ws: hawser.ClientWebSocket

  const url: string
  const urls: readonly string[]
  const topics: readonly string[]
  const status: string
  const key: string
  const authorization: string
  const json: string
  const subscribe: string
  const photo: Uint8Array
  const file: Blob
  const destination: WritableStream<Uint8Array>
  const socket: Duplex
  const signal: AbortSignal
  /** Certificates. */
  const ca: Buffer
  const cert: Buffer
  function handle(message: hawser.Message): void
  function again(): void
  function freshToken(): Promise<string>
}
