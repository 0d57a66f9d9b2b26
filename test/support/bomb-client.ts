/**
 * A client whose memory is its own: `bomb-client.ts URL MAX`. It receives one message to get warm and another that is a
 * bomb, with `maxMessageSize` MAX, and prints how the second one ended, after how many milliseconds, and by how many
 * bytes the process has grown at its peak.
 */
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { connect } from '../../src/index.ts'
import { peakMemory } from './peak-memory.ts'

const [, , url = '', max] = process.argv

setFlagsFromString('--expose-gc')
const collect: () => void = runInNewContext('gc')

const socket = await connect(url, { perMessageDeflate: true, maxMessageSize: Number(max) })
await socket.receive()
collect()
const before = process.memoryUsage().rss
const began = performance.now()
void socket.send('now')
const error = await socket.receive().catch((reason: unknown) => reason)
const { code, limit } = error as { code?: string; limit?: number }
const growth = peakMemory() - before
console.log(JSON.stringify({ code, limit, growth, took: performance.now() - began }))
await socket.close()
