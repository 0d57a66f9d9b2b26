/** The routes of the Worker. What each does stands at the head of its file. */
import { OptionsError } from 'hawser'
import type { Env, Route } from './env.ts'
import { feed } from './feed.ts'
import { inspect } from './inspect.ts'
import { page } from './page.ts'
import { Refused } from './refused.ts'
import { relay } from './relay.ts'

export { Feed } from './feed.ts'

const ROUTES: ReadonlyMap<string, { readonly methods: readonly string[]; readonly route: Route }> = new Map([
  ['/', { methods: ['GET', 'HEAD'], route: page }],
  ['/inspect', { methods: ['GET'], route: inspect }],
  ['/relay', { methods: ['GET'], route: relay }],
  ['/feed', { methods: ['GET'], route: feed }],
])

const HELP = `There is nothing here. The routes are:

GET /                a page to try the others by hand
GET /inspect?url=…   tells how an upstream answers an upgrade, as JSON;
                     also &subprotocols=a,b and &transport=fetch or tcp
GET /relay?url=…     a WebSocket, bridged to an upstream; also &transport=
GET /feed?url=…      a WebSocket that gets what one shared upstream socket gets
`

export default {
  async fetch(request: Request, env: Env, context: ExecutionContext): Promise<Response> {
    try {
      return await answer(request, env, context)
    } catch (error) {
      if (error instanceof Refused) return error.toResponse()
      // The caller's own parameters: a fragment in the URL, a subprotocol that is no token, an unknown transport.
      if (error instanceof OptionsError) return new Refused(400, error.message).toResponse()
      throw error
    }
  },
} satisfies ExportedHandler<Env>

function answer(request: Request, env: Env, context: ExecutionContext): Response | Promise<Response> {
  const found = ROUTES.get(new URL(request.url).pathname)
  if (found === undefined) return new Response(HELP, { status: 404 })
  if (found.methods.includes(request.method)) return found.route(request, env, context)
  throw new Refused(405, `${request.method} is not allowed here.`, { allow: found.methods.join(', ') })
}
