import { createClient } from 'graphql-ws'
import type { Job } from './job.ts'

/** A query, and a subscription to its end, on one connection. */
export const graphqlWs: Job = async (url, webSocketImpl) => {
  const client = createClient({ url, webSocketImpl, lazy: false, retryAttempts: 0 })
  const results: unknown[] = []
  for (const query of ['{ hello }', 'subscription { countdown(from: 3) }']) {
    for await (const { data } of client.iterate({ query })) results.push({ ...data })
  }
  await client.dispose()
  return results
}
