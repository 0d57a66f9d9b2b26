/**
 * A Worker that plays the client's side of an exchange: POST / with an Exchange as JSON answers with its ClientReport.
 */
import { type Exchange, playClient } from './client.ts'

export default {
  async fetch(request: Request): Promise<Response> {
    return Response.json(await playClient((await request.json()) as Exchange))
  },
}
