/** What the servers in C do with a connection, on any stream of Node. */
import type { Duplex } from 'node:stream'
import { FrameAnswer } from './answer.ts'
import { frame, type Kind, payload } from './frames.ts'

const BLOCK_BYTES = 256 * 1024

/** Serves a connection whose handshake is done. The path says how: see http1.c. */
export function serve(stream: Duplex, path: string): void {
  const { pathname, searchParams: query } = new URL(path, 'http://localhost')
  stream.on('error', () => {})
  if (pathname === '/sink') sink(stream, Number(query.get('bytes')))
  else if (pathname === '/source') source(stream, query)
  else echo(stream)
}

function echo(stream: Duplex): void {
  const answer = new FrameAnswer()
  stream.on('drain', () => stream.resume())
  stream.on('data', (chunk: Buffer) => {
    // Who does not read is not read from.
    if (!stream.write(answer.take(chunk))) stream.pause()
    if (answer.isClosing) stream.end()
  })
}

function sink(stream: Duplex, every: number): void {
  const done = frame('text', Buffer.from('done'), false)
  let bytes = 0
  stream.on('data', (chunk: Buffer) => {
    for (bytes += chunk.length; bytes >= every; bytes -= every) stream.write(done)
  })
}

function source(stream: Duplex, query: URLSearchParams): void {
  const one = frame(query.get('kind') as Kind, payload(Number(query.get('size'))), false)
  const inBlock = Math.max(1, Math.floor(BLOCK_BYTES / one.length))
  const block = Buffer.concat(Array<Buffer>(inBlock).fill(one))
  const answer = new FrameAnswer()
  let left = 0
  let asked = 0
  const pump = () => {
    while (left > 0) {
      const count = Math.min(left, inBlock)
      left -= count
      if (!stream.write(block.subarray(0, count * one.length))) return
    }
  }
  stream.on('drain', pump)
  stream.on('data', (chunk: Buffer) => {
    answer.take(chunk)
    left += (answer.frames - asked) * Number(query.get('messages'))
    asked = answer.frames
    pump()
  })
}
