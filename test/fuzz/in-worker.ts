/** Runs one target in a thread, so that the main one sees it when it hangs or dies. What it says in the end is the outcome. */
import { parentPort, workerData } from 'node:worker_threads'
import { run } from './run.ts'
import { TARGETS } from './targets.ts'

export interface Job {
  readonly target: string
  readonly seed: number
  /** Milliseconds. */
  readonly time: number
  readonly executions: number
  readonly first: number
  /** One number: which execution is being made. */
  readonly progress: BigInt64Array
}

const { target, progress, ...plan } = workerData as Job
const onProgress = (execution: number) => {
  progress[0] = BigInt(execution)
}
parentPort!.postMessage(await run(TARGETS.get(target)!, { ...plan, onProgress }))
