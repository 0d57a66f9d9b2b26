import { Arena } from './arena.ts'
import { CORE_BASE64 } from './core.generated.ts'
import { codecOnce } from './instance.ts'
import { TwinCodec } from './twin.ts'
import { type WebAssemblyModule, webAssembly } from './webassembly.ts'

/** 64 MiB; none of it is touched before it is needed. */
const SLABS = 1024
/** 4 MiB: the twin's memory is touched as a whole when it is made. */
const TWIN_SLABS = 64

function compile(): WebAssemblyModule | undefined {
  try {
    return new webAssembly!.Module(Uint8Array.from(atob(CORE_BASE64), (byte) => byte.charCodeAt(0)))
  } catch {
    // A runtime without WebAssembly or SIMD, or one that forbids compiling.
    return undefined
  }
}

/** What stands in for the core; exported for its test. */
export const standIn = () => ({ codec: new TwinCodec(TWIN_SLABS), arena: new Arena(TWIN_SLABS) })

/** The core inlined: for every runtime that compiles what it is given. */
export const loadCodec = codecOnce(compile, SLABS, standIn)
