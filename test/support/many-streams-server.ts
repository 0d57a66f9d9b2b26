/**
 * A process of its own: a server of HTTP/2 that allows 100 streams a connection, and on each extended CONNECT sends
 * back what it gets, unmasked. It sees only messages of one short frame each. `fork` it; it says `{ port }`, and to any
 * message how many connections it has had.
 */
import { createServer } from 'node:http2'
import type { AddressInfo } from 'node:net'

let connections = 0
const settings = { enableConnectProtocol: true, maxConcurrentStreams: 100 }

function unmasked(frame: Buffer): Buffer {
  const key = frame.subarray(2, 6)
  const payload = frame.subarray(6).map((byte, i) => byte ^ key[i % 4]!)
  return Buffer.concat([Buffer.from([frame[0]!, payload.length]), payload])
}

const server = createServer({ settings })
server.on('session', () => connections++)
server.on('stream', (stream) => {
  stream.on('error', () => {})
  stream.respond({ ':status': 200 })
  stream.on('data', (frame: Buffer) => {
    stream.write(unmasked(frame))
    // RFC 6455 §5.5.1: after the Close frame nothing follows.
    if ((frame[0]! & 0x0f) === 8) stream.end()
  })
})
server.listen(0, '127.0.0.1', () => process.send?.({ port: (server.address() as AddressInfo).port }))
process.on('message', () => process.send?.({ connections }))
process.on('disconnect', () => process.exit())
