import { expect, test } from 'vitest'
import { type Agreed, canCompress, createCompression } from '../../src/deflate/compression.ts'
import { concat } from '../codec/support.ts'
import { compressed, inflated, prose } from './support.ts'

const AGREED: Agreed = {
  clientMaxWindowBits: 15,
  serverMaxWindowBits: 15,
  clientContextTakeover: true,
  serverContextTakeover: true,
}

test('this runtime can compress', () => {
  expect(canCompress()).toBe(true)
})

test('each direction has the window and the takeover that were agreed for it', () => {
  // Repeats what lies further back than 512 bytes, and nearer than 32 KiB.
  const message = concat(prose(800, 1), prose(800, 2), prose(800, 1))
  const lengthWith = (agreed: Partial<Agreed>, times: number) => {
    const { deflater, close } = createCompression({ ...AGREED, ...agreed }, 0)
    const memory = new Uint8Array(10_000)
    let length = 0
    for (let i = 0; i < times; i++) length = deflater!.deflateInto(message, memory, 0)
    close()
    return length
  }
  expect(lengthWith({}, 1)).toBeLessThan(lengthWith({ clientMaxWindowBits: 9 }, 1) * 0.8)
  expect(lengthWith({}, 2)).toBeLessThan(lengthWith({ clientContextTakeover: false }, 2) / 4)
  expect(lengthWith({ serverMaxWindowBits: 9, serverContextTakeover: false }, 2)).toBe(lengthWith({}, 2))
})

test('a window of 256 bytes for us is one that zlib cannot make: what we send stays as it is', () => {
  const { deflater, inflater, threshold } = createCompression({ ...AGREED, clientMaxWindowBits: 8 }, 77)
  expect(deflater).toBeUndefined()
  expect(threshold).toBe(77)
  const bytes = compressed('Hello')
  const output = new Uint8Array(100)
  expect(inflater.inflate(bytes, 0, bytes.length, output, 0, 100)).toBe(true)
  expect(Buffer.from(output.subarray(0, inflater.produced)).toString()).toBe('Hello')
})

test('a thousand connections take turns, and each goes on where it was', () => {
  const count = 1000
  const rounds = 4
  const connections = Array.from({ length: count }, () => createCompression(AGREED, 0))
  const memory = new Uint8Array(2000)
  const sent: Uint8Array[][] = connections.map(() => [])
  for (let round = 0; round < rounds; round++) {
    for (const [i, { deflater, inflater }] of connections.entries()) {
      const messages = Array.from({ length: round + 1 }, (_, at) => prose(200 + at, i))
      const bytes = compressed(messages[round]!, { before: concat(...messages.slice(0, round)) })
      if (!inflater.inflate(bytes, 0, bytes.length, memory, 0, 1000)) throw new Error(`${i} was not inflated`)
      if (Buffer.compare(memory.subarray(0, inflater.produced), messages[round]!) !== 0) throw new Error(`${i} differs`)
      if (!inflater.finish(memory, 1000, 1000)) throw new Error(`${i} did not end`)
      sent[i]!.push(memory.slice(0, deflater!.deflateInto(messages[round]!, memory, 0)))
    }
  }
  for (const [i, messages] of sent.entries()) {
    const expected = concat(...messages.map((_, at) => prose(200 + at, i)))
    if (Buffer.compare(inflated(messages), expected) !== 0) throw new Error(`What ${i} sent differs`)
    // The stream is another, and what was said before is known all the same.
    expect(messages[3]!.length).toBeLessThan(messages[0]!.length / 3)
  }
  for (const { close } of connections) close()
})
