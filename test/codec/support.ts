import { expect } from 'vitest'
import type { Codec, Decoder } from '../../src/codec/codec.ts'
import { CORE_BASE64 } from '../../src/codec/core.generated.ts'
import {
  BLOCK_BYTES,
  COMPRESSED,
  CONTINUATION,
  ENDS,
  FIN,
  INPUT,
  OPCODE,
  ROW_WORDS,
  STARTS,
} from '../../src/codec/layout.ts'
import { TwinCodec } from '../../src/codec/twin.ts'
import { INVALID_UTF8 } from '../../src/codec/violations.ts'
import { WasmCodec } from '../../src/codec/wasm.ts'
import { type WebAssemblyModule, webAssembly } from '../../src/codec/webassembly.ts'

/** Enough for one connection to be allowed to lend: see FREE_MIN of the outbox. */
export const SLABS_IN_MEMORY = 128

let core: WebAssemblyModule | undefined

export function wasmCodec(slabs = SLABS_IN_MEMORY): Codec {
  if (!webAssembly) throw new Error('This runtime has no WebAssembly')
  core ??= new webAssembly.Module(Buffer.from(CORE_BASE64, 'base64'))
  return new WasmCodec(core, slabs)
}

/** Both codecs, for `describe.each`. */
export const CODECS: readonly (readonly [name: string, codec: Codec])[] = [
  ['the core', wasmCodec()],
  ['the twin', new TwinCodec(SLABS_IN_MEMORY)],
]

/** Bytes on the wire from hexadecimal digits, and text in quotes: `81 02 'hi'`. */
export function wire(notation: string): Uint8Array<ArrayBuffer> {
  const bytes: number[] = []
  for (const [, text, digits] of notation.matchAll(/'([^']*)'|(\S+)/g)) {
    if (digits === undefined) bytes.push(...new TextEncoder().encode(text))
    else if (/^([\da-f]{2})+$/.test(digits)) bytes.push(...Buffer.from(digits, 'hex'))
    else throw new Error(`Not wire notation: ${digits}`)
  }
  return Uint8Array.from(bytes)
}

export function hex(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('hex')
}

/** Bytes as the characters of the same numbers. */
export function characters(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('latin1')
}

export function concat(...parts: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  return new Uint8Array(Buffer.concat(parts))
}

/** Bytes that differ from their neighbours, and from those 256 further on. */
export function pattern(length: number): Uint8Array<ArrayBuffer> {
  return Uint8Array.from({ length }, (_, i) => (i * 7 + (i >> 8) * 13) & 0xff)
}

/** A server's frame: header and payload. */
export function serverFrame(firstByte: number, payload: Uint8Array): Uint8Array<ArrayBuffer> {
  return concat(serverHeader(firstByte, payload.length), payload)
}

/** A server's header that announces `length` bytes, in the shortest form or the one that is asked for. */
export function serverHeader(firstByte: number, length: number | bigint, form = shortestForm(length)): Uint8Array {
  const header = Buffer.alloc(2 + form)
  header[0] = firstByte
  header[1] = form === 0 ? Number(length) : form === 2 ? 126 : 127
  if (form === 2) header.writeUInt16BE(Number(length), 2)
  if (form === 8) header.writeBigUInt64BE(BigInt(length), 2)
  return header
}

function shortestForm(length: number | bigint): number {
  return length < 126 ? 0 : length < 65536 ? 2 : 8
}

/** A frame, put together from the rows that tell of it. */
export interface Frame {
  readonly opcode: number
  readonly fin: boolean
  readonly continuation: boolean
  readonly compressed: boolean
  /** The payload's length as the header announced it; 2^32 - 1 stands for more. */
  readonly size: number
  /** The bytes as characters: fast to compare, and to be read. */
  payload: string
  isComplete: boolean
}

export interface Decoded {
  readonly frames: Frame[]
  violation: number
  /** Bytes that were taken in all. */
  consumed: number
}

/** Feeds chunks to a decoder until a rule is broken, and puts frames together from the rows. */
export function decodeChunks(codec: Codec, chunks: Iterable<Uint8Array>, decoder = codec.createDecoder()): Decoded {
  const decoded: Decoded = { frames: [], violation: 0, consumed: 0 }
  for (const chunk of chunks) {
    for (let at = 0; at < chunk.length && decoded.violation === 0; at += BLOCK_BYTES) {
      decodeBlock(codec, decoder, chunk.subarray(at, at + BLOCK_BYTES), decoded)
    }
  }
  return decoded
}

function decodeBlock(codec: Codec, decoder: Decoder, bytes: Uint8Array, decoded: Decoded): void {
  codec.memory.set(bytes, INPUT)
  for (let at = 0; at < bytes.length && decoded.violation === 0; ) {
    const rows = decoder.decode(INPUT + at, bytes.length - at)
    for (let row = 0; row < rows; row++) addRow(codec, row * ROW_WORDS, decoded.frames)
    decoded.violation = decoder.violation
    if (decoder.consumed === 0 && decoder.violation === 0) throw new Error('The decoder does not get on')
    at += decoder.consumed
    decoded.consumed += decoder.consumed
  }
}

function addRow(codec: Codec, row: number, frames: Frame[]): void {
  const [flags = 0, address = 0, length = 0, left = 0] = codec.table.subarray(row, row + ROW_WORDS)
  const payload = characters(codec.memory.subarray(address, address + length))
  const isComplete = (flags & ENDS) !== 0
  if (flags & STARTS) {
    const fin = (flags & FIN) !== 0
    const continuation = (flags & CONTINUATION) !== 0
    const compressed = (flags & COMPRESSED) !== 0
    frames.push({ opcode: flags & OPCODE, fin, continuation, compressed, size: left, payload, isComplete })
    return
  }
  const frame = frames.at(-1)
  if (frame === undefined || frame.isComplete) throw new Error('A row continues no frame')
  if (frame.size < 2 ** 32 - 1) expect(left).toBe(frame.size - frame.payload.length)
  frame.payload += payload
  frame.isComplete = isComplete
}

export function oneByOne(bytes: Uint8Array): Uint8Array[] {
  return Array.from(bytes, (byte) => Uint8Array.of(byte))
}

/** A Pong, which may come between any two frames. */
const TRAILING = wire("8a 03 'end'")

/** Decodes whole, byte by byte, and with bytes after it; expects the same each time. */
export function decodeThreeWays(codec: Codec, bytes: Uint8Array, withDeflate = false): Decoded {
  const whole = decodeChunks(codec, [bytes], codec.createDecoder(withDeflate))
  const single = decodeChunks(codec, oneByOne(bytes), codec.createDecoder(withDeflate))
  const trailing = decodeChunks(codec, [concat(bytes, TRAILING)], codec.createDecoder(withDeflate))
  if (whole.violation === 0) {
    expect(single).toEqual(whole)
    const pong = trailing.frames.pop()
    expect(pong).toMatchObject({ opcode: 10, payload: 'end', isComplete: true })
    expect(trailing).toEqual({ ...whole, consumed: whole.consumed + TRAILING.length })
    expect(whole.consumed).toBe(bytes.length)
  } else {
    expect(trailing).toEqual(whole)
    expect(single.violation).toBe(whole.violation)
    expect(single.frames.filter(({ isComplete }) => isComplete)).toEqual(whole.frames)
    // Text is told in segments: the good ones before the bad one are no part of the whole.
    if (whole.violation !== INVALID_UTF8) expect(single).toEqual(whole)
  }
  return whole
}

/** A small generator of pseudo-random integers below a bound (mulberry32), the same for the same seed. */
export function randomIntegers(seed: number): (bound: number) => number {
  let state = seed
  return (bound) => {
    state = (state + 0x6d2b79f5) | 0
    let value = Math.imul(state ^ (state >>> 15), state | 1)
    value ^= value + Math.imul(value ^ (value >>> 7), value | 61)
    return ((value ^ (value >>> 14)) >>> 0) % bound
  }
}
