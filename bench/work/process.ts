/** Runs a script in processes of their own, for what can be measured only once in each. */
import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import type { Job } from '../job.ts'
import { median } from '../measure.ts'

const root = fileURLToPath(new URL('../..', import.meta.url))
const FEWEST = 3

/**
 * The median of what the script prints, over as many processes as the time is worth. Its imports are those of the
 * repository.
 */
export async function runRepeatedly(script: string, { time }: Job): Promise<number> {
  const printed: number[] = []
  const end = performance.now() + time
  while (printed.length < FEWEST || performance.now() < end) {
    const args = ['--no-warnings', '--input-type=module', '--eval', script]
    const { stdout } = await promisify(execFile)(process.execPath, args, { cwd: root })
    printed.push(Number(stdout))
  }
  return median(printed)
}
