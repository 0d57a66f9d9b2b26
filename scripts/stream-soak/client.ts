/** One direction: `client.ts in|out PORT BYTES COMPRESS`. Tells its parent how it went. */
import { connect } from 'hawser'
import { Content, newHash } from './content.ts'

export interface Outcome {
  readonly direction: string
  readonly seconds: number
  /** The most memory that the process has had, in bytes. */
  readonly peak: number
  /** Whether both sides have seen the same bytes. */
  readonly isSame: boolean
}

const [, , direction = '', port = '', bytes = '', compress] = process.argv
const size = Number(bytes)
const isCompressed = compress === 'true'

async function send(): Promise<boolean> {
  const socket = await connect(`ws://127.0.0.1:${port}/sink`, { perMessageDeflate: isCompressed })
  const content = new Content(size, isCompressed)
  const writer = socket.sendStream('binary').getWriter()
  for (let block = content.next(); block !== undefined; block = content.next()) await writer.write(block)
  await writer.close()
  const isSame = (await socket.receive()) === `${size} ${content.digest()}`
  await socket.close()
  return isSame
}

async function receive(): Promise<boolean> {
  const url = `ws://127.0.0.1:${port}/source?bytes=${size}`
  const socket = await connect(url, { perMessageDeflate: isCompressed })
  const message = await socket.receiveStream()
  if (message?.type !== 'binary') throw new Error('Not a binary message')
  const reader = message.stream.getReader({ mode: 'byob' })
  const hash = newHash()
  let received = 0
  // One piece of memory serves for all.
  for (let memory = new Uint8Array(65_536); ; ) {
    const { done, value } = await reader.read(memory)
    if (done || value === undefined) break
    hash.update(value)
    received += value.length
    memory = new Uint8Array(value.buffer)
  }
  const isSame = (await socket.receive()) === `${size} ${hash.digest('hex')}` && received === size
  await socket.close()
  return isSame
}

const start = performance.now()
const isSame = await (direction === 'out' ? send() : receive())
const seconds = (performance.now() - start) / 1000
const outcome: Outcome = { direction, seconds, peak: process.resourceUsage().maxRSS * 1024, isSame }
process.send!(outcome)
process.disconnect()
