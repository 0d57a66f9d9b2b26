import type { Codec } from '../../../src/codec/codec.ts'
import { CORE_BASE64 } from '../../../src/codec/core.generated.ts'
import { TwinCodec } from '../../../src/codec/twin.ts'
import { WasmCodec } from '../../../src/codec/wasm.ts'
import { webAssembly } from '../../../src/codec/webassembly.ts'

/** Enough for one connection to be allowed to lend: see FREE_MIN of the outbox. */
export const SLABS_IN_MEMORY = 64

/** Their arenas are made anew for each case: one that fails must not leave anything to the next. */
export const CORE: Codec = new WasmCodec(new webAssembly!.Module(Buffer.from(CORE_BASE64, 'base64')), SLABS_IN_MEMORY)
export const TWIN: Codec = new TwinCodec(SLABS_IN_MEMORY)
export const BOTH = [CORE, TWIN] as const
