import { Arena } from './arena.ts'
import type { Codec } from './codec.ts'
import { TwinCodec } from './twin.ts'
import { WasmCodec } from './wasm.ts'
import type { WebAssemblyModule } from './webassembly.ts'

/** The codec of a thread, and the arena in its memory. */
export interface CodecInstance {
  readonly codec: Codec
  readonly arena: Arena
}

/** 4 MiB: the twin's memory is touched as a whole when it is made. */
const TWIN_SLABS = 64

/**
 * A function that makes the codec of this thread at its first call: on the compiled core with room for `slabs`, or on the
 * twin where there is none.
 */
export function codecOnce(compile: () => WebAssemblyModule | undefined, slabs: number): () => CodecInstance {
  let instance: CodecInstance | undefined
  return () => {
    instance ??= make(compile(), slabs)
    return instance
  }
}

function make(core: WebAssemblyModule | undefined, slabs: number): CodecInstance {
  try {
    if (core) return { codec: new WasmCodec(core, slabs), arena: new Arena(slabs) }
  } catch {
    // There is no room for its memory.
  }
  return { codec: new TwinCodec(TWIN_SLABS), arena: new Arena(TWIN_SLABS) }
}
