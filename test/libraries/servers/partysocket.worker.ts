/** The room of a PartySocket, as a Durable Object. */
import { type Connection, routePartykitRequest, Server } from 'partyserver'

export class Main extends Server {
  override onMessage(_connection: Connection, message: string): void {
    this.broadcast(`${this.name}: ${message}`)
  }
}

export default {
  async fetch(request: Request, env: Parameters<typeof routePartykitRequest>[1]): Promise<Response> {
    return (await routePartykitRequest(request, env)) ?? new Response('There is no such room.\n', { status: 404 })
  },
}
