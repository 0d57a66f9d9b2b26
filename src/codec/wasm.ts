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
const HELD_WORD = STATE_WORD
const IN_PAYLOAD_WORD = STATE_WORD + 1
const MESSAGE_WORD = STATE_WORD + 5
const UTF8_WORD = STATE_WORD + 6
const DEFLATE_WORD = STATE_WORD + 10
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
  /** Undefined between two messages, as most connections are most of the time. */
  #state: Int32Array | undefined
  readonly #withDeflate: boolean
  readonly #words: Int32Array
  readonly #core: CoreExports

  constructor(words: Int32Array, core: CoreExports, withDeflate: boolean) {
    this.#words = words
    this.#core = core
    this.#withDeflate = withDeflate
  }

  decode(address: number, length: number): number {
    const words = this.#words
    this.#restore(words)
    const rows = this.#core.decode(address, length)
    this.#save(words)
    this.consumed = words[CONSUMED_WORD]!
    this.violation = words[VIOLATION_WORD]!
    return rows
  }

  #restore(words: Int32Array): void {
    const state = this.#state
    if (state !== undefined) {
      for (let i = 0; i < STATE_WORDS; i++) words[STATE_WORD + i] = state[i]!
      return
    }
    // The other words have a meaning only when one of these is not 0.
    words[HELD_WORD] = 0
    words[IN_PAYLOAD_WORD] = 0
    words[MESSAGE_WORD] = 0
    words[UTF8_WORD] = 0
    words[DEFLATE_WORD] = Number(this.#withDeflate)
  }

  #save(words: Int32Array): void {
    const isBetween = (words[HELD_WORD]! | words[IN_PAYLOAD_WORD]! | words[MESSAGE_WORD]!) === 0
    if (isBetween) this.#state = undefined
    else this.#state = words.slice(STATE_WORD, STATE_WORD + STATE_WORDS)
  }
}
