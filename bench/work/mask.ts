/** Masking in place, without a connection: bytes a second, against a copy of as many. */
import { webAssembly } from '../../src/codec/webassembly.ts'
import type { Figures, Job } from '../job.ts'
import { payload } from '../server/frames.ts'
import { bufferutil, codecModule, repeat } from './internals.ts'

const KEY = 0x12345678
/** So many bytes between two looks at the clock. */
const BYTES = 4 * 1024 * 1024

type Make = (
  size: number,
) => Promise<{ bytes: Uint8Array; work: () => void; expected: (before: Uint8Array) => Uint8Array }>

const key = Buffer.alloc(4)
key.writeInt32LE(KEY)
const masked = (bytes: Uint8Array) => bytes.map((byte, i) => byte ^ key[i & 3]!)

/**
 * A module that is nothing but `(func (export "f") (param i32 i32 i32) (memory.copy))`, with 64 pages of memory,
 * exported as "m".
 */
const COPY = Uint8Array.of(
  ...[0x00, 0x61, 0x73, 0x6d, 1, 0, 0, 0],
  ...[1, 7, 1, 0x60, 3, 0x7f, 0x7f, 0x7f, 0],
  ...[3, 2, 1, 0],
  ...[5, 3, 1, 0, 64],
  ...[7, 9, 2, 1, 0x66, 0, 0, 1, 0x6d, 2, 0],
  ...[10, 14, 1, 12, 0, 0x20, 0, 0x20, 1, 0x20, 2, 0xfc, 10, 0, 0, 0x0b],
)

interface CopyExports {
  f(to: number, from: number, length: number): void
  readonly m: { readonly buffer: ArrayBuffer }
}

const PEERS: Readonly<Record<string, Make>> = {
  hawser: async (size) => {
    const { codec, arena } = (await codecModule()).loadCodec()
    const address = arena.acquire()!
    // Slabs follow one another.
    for (let bytes = 0; bytes < size; bytes += 65536) arena.acquire()
    return {
      bytes: codec.memory.subarray(address, address + size),
      work: () => codec.mask(address, size, KEY),
      expected: masked,
    }
  },
  'memory.copy': async (size) => {
    const { Instance, Module } = webAssembly!
    const { f: copy, m } = new Instance(new Module(COPY), {}).exports as CopyExports
    const memory = new Uint8Array(m.buffer)
    memory.set(payload(size), 2 * 1024 * 1024)
    return {
      bytes: memory.subarray(0, size),
      work: () => copy(0, 2 * 1024 * 1024, size),
      expected: () => payload(size),
    }
  },
  bufferutil: async (size) => {
    const bytes = Buffer.alloc(size)
    const { unmask } = bufferutil()
    return { bytes, work: () => unmask(bytes, key), expected: masked }
  },
}

export async function measure(job: Job): Promise<Figures> {
  const { bytes, work, expected } = await PEERS[job.peer]!(job.size)
  bytes.set(payload(job.size))
  // A Buffer's own slice is no copy.
  const before = new Uint8Array(bytes)
  work()
  if (Buffer.compare(bytes, expected(before)) !== 0) throw new Error('It was not masked')
  const times = Math.max(1, Math.round(BYTES / job.size / 16))
  return await repeat(job, times * job.size, () => {
    for (let i = 0; i < times; i++) work()
  })
}
