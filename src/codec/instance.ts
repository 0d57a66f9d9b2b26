import { Arena } from './arena.ts'
import type { Codec } from './codec.ts'
import { WasmCodec } from './wasm.ts'
import type { WebAssemblyModule } from './webassembly.ts'

/** The codec of a thread, and the arena in its memory. */
export interface CodecInstance {
  readonly codec: Codec
  readonly arena: Arena
}

/**
 * A function that makes the codec of this thread at its first call: on the compiled core with room for `slabs`, or what
 * `standIn` makes where there is none.
 */
export function codecOnce(
  compile: () => WebAssemblyModule | undefined,
  slabs: number,
  standIn?: () => CodecInstance,
): () => CodecInstance {
  let instance: CodecInstance | undefined
  return () => {
    instance ??= make(compile(), slabs, standIn)
    return instance
  }
}

function make(core: WebAssemblyModule | undefined, slabs: number, standIn?: () => CodecInstance): CodecInstance {
  try {
    if (core) return { codec: new WasmCodec(core, slabs), arena: new Arena(slabs) }
  } catch (error) {
    // There is no room for its memory.
    if (standIn === undefined) throw error
  }
  if (standIn === undefined) throw new Error('There is no WebAssembly here.')
  return standIn()
}
