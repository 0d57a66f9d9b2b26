/**
 * A Worker that builds frames as a socket does, and tells how much of what it has taken is lent from the core's memory.
 */
import { loadCodec } from '../../src/codec/load.workerd.ts'
import { Outbox } from '../../src/protocol/outbox.ts'

const MESSAGES = [10, 10_000, 200_000]

export default {
  fetch(): Response {
    const { codec, arena } = loadCodec()
    const before = arena.free
    const outbox = new Outbox(codec, arena, () => 0)
    for (const size of MESSAGES) outbox.push(0x82, new Uint8Array(size))
    // Nobody releases what has been taken, as when the request ends meanwhile.
    const chunks = outbox.take()
    const inMemory = chunks.filter(({ buffer }) => buffer === codec.memory.buffer).length
    const bytes = chunks.reduce((sum, chunk) => sum + chunk.length, 0)
    return Response.json({ bytes, inMemory, lost: before - arena.free })
  },
}
