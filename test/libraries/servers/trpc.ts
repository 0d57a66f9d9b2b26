import { initTRPC } from '@trpc/server'
import { applyWSSHandler } from '@trpc/server/adapters/ws'
import { listenWithWebSockets, type Serve } from './serve.ts'

const { router, procedure } = initTRPC.create()
const text = (input: unknown) => String(input)
const numbers = (input: unknown) => input as readonly number[]

const appRouter = router({
  greet: procedure.input(text).query(({ input }) => `hello ${input}`),
  add: procedure.input(numbers).mutation(({ input }) => input.reduce((sum, each) => sum + each, 0)),
  countdown: procedure.input(Number).subscription(async function* ({ input }) {
    for (let left = input; left > 0; left--) yield left
  }),
})

export type Router = typeof appRouter

export const serveTrpc: Serve = () =>
  listenWithWebSockets((wss) => {
    applyWSSHandler({ wss, router: appRouter })
  })
