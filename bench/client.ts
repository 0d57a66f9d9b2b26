/**
 * One measurement of one peer, in a process of its own: `client.ts JOB` with the job as JSON; prints its figures as
 * JSON.
 */
import type { Job, Measure } from './job.ts'

const job = JSON.parse(process.argv[2]!) as Job
const { measure } = (await import(`./work/${job.work}.ts`)) as { measure: Measure }
const figures = await measure(job)
process.stdout.write(JSON.stringify(figures), () => process.exit())
