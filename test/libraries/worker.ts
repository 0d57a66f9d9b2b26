/** A Worker that does the jobs of libraries on hawser's WebSocket. */
import { WebSocket } from 'hawser/websocket'
import { doJob } from './jobs/job.ts'
import { JOBS, type Library } from './jobs/jobs.ts'

export default {
  async fetch(request: Request): Promise<Response> {
    const { searchParams } = new URL(request.url)
    try {
      const job = JOBS[searchParams.get('library') as Library]
      return Response.json(await doJob(job, searchParams.get('url')!, WebSocket))
    } catch (error) {
      return new Response((error as Error).stack, { status: 500 })
    }
  },
}
