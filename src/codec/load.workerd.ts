import core from './core.wasm'
import { codecOnce } from './instance.ts'

/**
 * So few that none is ever lent: a request of a Worker may end at any await, and would not give back what it has. The
 * runtime copies what it sends in any case.
 */
const SLABS = 1

/** The core as a module: Workers do not compile bytes. */
export const loadCodec = codecOnce(() => core, SLABS)
