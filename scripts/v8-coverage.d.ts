/** It has no types of its own. */
declare module '@bcoe/v8-coverage' {
  import type { Profiler } from 'node:inspector'

  /** What V8 writes for a process. */
  export interface ProcessCov {
    readonly result: readonly Profiler.ScriptCoverage[]
  }
  export function mergeProcessCovs(processes: readonly ProcessCov[]): ProcessCov
}
