import { buildSchema } from 'graphql'
import { useServer } from 'graphql-ws/use/ws'
import { listenWithWebSockets, type Serve } from './serve.ts'

const schema = buildSchema('type Query { hello: String } type Subscription { countdown(from: Int!): Int }')

async function* countdown({ from }: { from: number }): AsyncGenerator<{ countdown: number }> {
  for (let left = from; left > 0; left--) yield { countdown: left }
}

export const serveGraphql: Serve = () =>
  listenWithWebSockets((webSockets) => {
    const server = useServer(
      { schema, roots: { query: { hello: () => 'world' }, subscription: { countdown } } },
      webSockets,
    )
    return () => server.dispose()
  })
