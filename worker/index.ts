import { connect, HandshakeError, OptionsError } from 'hawser'

interface Env {
  /** The origins that may be asked, separated by spaces. */
  readonly UPSTREAMS: string
}

/** Milliseconds that an upstream has for its part of the close. */
const CLOSE_TIMEOUT = 1000

/** What an upgrade to `url` is answered with. */
async function inspect(url: URL): Promise<object> {
  try {
    await using socket = await connect(url, { closeTimeout: CLOSE_TIMEOUT })
    const { httpStatusCode: status, httpStatusText: statusText, httpResponseHeaders: headers } = socket
    return { open: true, status, statusText, headers, subprotocol: socket.subprotocol, transport: socket.transport }
  } catch (error) {
    if (!(error instanceof HandshakeError)) throw error
    const { code, message, retriable, retryAfter, response } = error
    const body = response && new TextDecoder().decode(response.body)
    return {
      open: false,
      code,
      message,
      retriable,
      retryAfter,
      status: response?.status,
      headers: response?.headers,
      body,
    }
  }
}

export default {
  async fetch(request: Request, env: Env): Promise<Response> {
    const { pathname, searchParams } = new URL(request.url)
    if (pathname !== '/inspect') return new Response('GET /inspect?url=wss://…\n', { status: 404 })
    const url = URL.parse(searchParams.get('url') ?? '')
    if (!url) return new Response('url has to be an absolute URL.\n', { status: 400 })
    if (!env.UPSTREAMS.split(' ').includes(url.origin))
      return new Response('This upstream is not allowed.\n', { status: 403 })
    try {
      return Response.json(await inspect(url))
    } catch (error) {
      if (error instanceof OptionsError) return new Response(`${error.message}\n`, { status: 400 })
      throw error
    }
  },
}
