/** A request that the Worker itself does not carry out: the status and the text of the answer. */
export class Refused extends Error {
  readonly status: number
  readonly headers: Readonly<Record<string, string>>

  constructor(status: number, text: string, headers: Readonly<Record<string, string>> = {}) {
    super(text)
    this.status = status
    this.headers = headers
  }

  toResponse(): Response {
    return new Response(`${this.message}\n`, { status: this.status, headers: this.headers })
  }
}

/** Lets only requests through that ask for a WebSocket. */
export function requireUpgrade(request: Request): void {
  if (request.headers.get('upgrade')?.toLowerCase() === 'websocket') return
  // The runtime lets no Upgrade field out: the text has to say it.
  throw new Refused(426, 'This route speaks WebSocket: ask with Upgrade: websocket.')
}
