import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { expect, test } from 'vitest'
import { concat } from './codec/support.ts'
import { compressed, TAIL } from './deflate/support.ts'
import { frame, type PeerFrame } from './support/scripted-peer.ts'
import { peer } from './support/servers.ts'

const MiB = 1024 * 1024
const GiB = 1024 * MiB
const BINARY = 2
const CLOSE = 8
/** Milliseconds, of which the bomb takes a hundredth on a machine that does nothing else. */
const MAY_TAKE = 10_000

/** About 1 MiB that inflates to 1 GiB of zeros. */
function bomb(): Uint8Array {
  const part = concat(compressed(new Uint8Array(MiB)), TAIL)
  return concat(...new Array<Uint8Array>(GiB / MiB - 1).fill(part), part.subarray(0, -TAIL.length))
}

function path(name: string): string {
  return fileURLToPath(new URL(`support/${name}`, import.meta.url))
}

test.each([16, 64])('a bomb of 1 GiB is refused with 1009, and costs less than three times %i MiB', async (size) => {
  const bytes = frame(BINARY, bomb(), { rsv1: true })
  expect(bytes.length).toBeLessThan(1.1 * MiB)
  const answered = Promise.withResolvers<PeerFrame>()
  const { url } = await peer(async (connection) => {
    await connection.accept(['Sec-WebSocket-Extensions: permessage-deflate'])
    await connection.write(frame(BINARY, compressed(new Uint8Array(1000)), { rsv1: true }))
    await connection.readFrame()
    await connection.write(bytes)
    answered.resolve(await connection.readFrame())
    connection.end()
  })
  const args = ['--import', path('from-source.ts'), path('bomb-client.ts'), url, `${size * MiB}`]
  const { stdout } = await promisify(execFile)(process.execPath, args, { timeout: 4 * MAY_TAKE })
  const { growth, took, ...told } = JSON.parse(stdout)
  expect(told).toEqual({ code: 'MESSAGE_TOO_BIG', limit: size * MiB })
  expect(growth).toBeLessThan(3 * size * MiB)
  expect(took).toBeLessThan(MAY_TAKE)
  const { opcode, payload } = await answered.promise
  expect(opcode).toBe(CLOSE)
  expect(payload.readUInt16BE()).toBe(1009)
})
