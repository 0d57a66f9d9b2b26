import { createTRPCClient, createWSClient, wsLink } from '@trpc/client'
import type { Router } from '../servers/trpc.ts'
import type { Job } from './job.ts'

/** A query, a mutation and a subscription, on one connection. */
export const trpc: Job = async (url, WebSocket) => {
  const client = createWSClient({ url, WebSocket })
  const api = createTRPCClient<Router>({ links: [wsLink({ client })] })
  const results: unknown[] = [await api.greet.query('you'), await api.add.mutate([1, 2])]
  await new Promise<void>((onComplete, onError) => {
    api.countdown.subscribe(3, { onData: (left) => results.push(left), onComplete, onError })
  })
  await client.close()
  return results
}
