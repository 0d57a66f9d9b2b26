/** The client's side in a Worker: POST a plan and a URL, and get the report. */
import { type ClientPlan, runClient } from './client.ts'

export default {
  async fetch(request: Request): Promise<Response> {
    const { plan, url } = (await request.json()) as { plan: ClientPlan; url: string }
    return Response.json(await runClient(plan, url, { transport: 'tcp' }))
  },
}
