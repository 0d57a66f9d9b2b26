import core from './core.wasm'
import { codecOnce } from './instance.ts'

/** 4 MiB of the 128 that a Worker has. */
const SLABS = 64

/** The core as a module: Workers do not compile bytes. */
export const loadCodec = codecOnce(() => core, SLABS)
