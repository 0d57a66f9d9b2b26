import type { Env } from './env.ts'

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

/**
 * Lets only requests through that ask for a WebSocket, and that come from no other site: a browser opens a WebSocket to
 * any server, and sends the cookies along (RFC 6455 §10.2). What is no browser has no Origin.
 */
export function requireUpgrade(request: Request, env: Env): void {
  if (request.headers.get('upgrade')?.toLowerCase() !== 'websocket') {
    // The runtime lets no Upgrade field out: the text has to say it.
    throw new Refused(426, 'This route speaks WebSocket: ask with Upgrade: websocket.')
  }
  const origin = request.headers.get('origin')
  const allowed = [new URL(request.url).origin, ...(env.ORIGINS?.match(/\S+/g) ?? [])]
  if (origin === null || allowed.includes(origin)) return
  throw new Refused(403, 'Pages of another origin are not allowed: ORIGINS in wrangler.toml does not name theirs.')
}
