import type { Codec, Decoder } from './codec.ts'
import { BLOCK_BYTES, ROW_WORDS, SLABS, STATE, TABLE, TABLE_ROWS } from './layout.ts'
import { memoryView } from './text.ts'
import { type WebAssemblyModule, webAssembly } from './webassembly.ts'

/** What the module exports: `assembly/index.ts`. Addresses and lengths are bytes of linear memory. */
interface CoreExports {
  decode(address: number, length: number): number
  frame(payload: number, length: number, firstByte: number, key: number): number
  header(address: number, firstByte: number, length: number, key: number): number
  mask(address: number, length: number, key: number): void
  validateUtf8(address: number, length: number, state: number): number
  isValidCloseCode(code: number): number
}

// The decoder's words in `assembly/decoder.ts`.
const STATE_WORD = STATE / 4
const DEFLATE_WORD = 10
const STATE_WORDS = 11
const CONSUMED_WORD = STATE_WORD + 11
const VIOLATION_WORD = STATE_WORD + 12
const PAGE = 65536

/** A codec on a compiled core, with room for `slabs` slabs. */
export class WasmCodec implements Codec {
  readonly name = 'wasm'
  readonly memory: Uint8Array
  readonly buffer: Uint8Array
  readonly table: Uint32Array
  readonly #words: Int32Array
  readonly #core: CoreExports

  constructor(module: WebAssemblyModule, slabs: number) {
    const { Instance, Memory } = webAssembly!
    const pages = (SLABS + slabs * BLOCK_BYTES) / PAGE
    const memory = new Memory({ initial: pages, maximum: pages })
    this.#core = new Instance(module, { env: { memory } }).exports as CoreExports
    this.memory = new Uint8Array(memory.buffer)
    this.buffer = memoryView(memory.buffer)
    this.table = new Uint32Array(memory.buffer, TABLE, TABLE_ROWS * ROW_WORDS)
    this.#words = new Int32Array(memory.buffer, 0, TABLE / 4)
  }

  createDecoder(withDeflate = false): Decoder {
    return new WasmDecoder(this.#words, this.#core, withDeflate)
  }

  frame(payload: number, length: number, firstByte: number, key: number): number {
    return this.#core.frame(payload, length, firstByte, key)
  }

  header(address: number, firstByte: number, length: number, key: number): number {
    return this.#core.header(address, firstByte, length, key)
  }

  mask(address: number, length: number, key: number): void {
    this.#core.mask(address, length, key)
  }

  validateUtf8(address: number, length: number, state: number): number {
    return this.#core.validateUtf8(address, length, state)
  }

  isValidCloseCode(code: number): boolean {
    return this.#core.isValidCloseCode(code) !== 0
  }
}

/** Keeps the state of one connection outside the core, which holds one at a time. */
class WasmDecoder implements Decoder {
  consumed = 0
  violation = 0
  readonly #state = new Int32Array(STATE_WORDS)
  readonly #words: Int32Array
  readonly #core: CoreExports

  constructor(words: Int32Array, core: CoreExports, withDeflate: boolean) {
    this.#words = words
    this.#core = core
    this.#state[DEFLATE_WORD] = Number(withDeflate)
  }

  decode(address: number, length: number): number {
    const state = this.#state
    const words = this.#words
    for (let i = 0; i < STATE_WORDS; i++) words[STATE_WORD + i] = state[i]!
    const rows = this.#core.decode(address, length)
    for (let i = 0; i < STATE_WORDS; i++) state[i] = words[STATE_WORD + i]!
    this.consumed = words[CONSUMED_WORD]!
    this.violation = words[VIOLATION_WORD]!
    return rows
  }
}
