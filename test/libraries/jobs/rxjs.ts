import { lastValueFrom, merge, take, toArray } from 'rxjs'
import { webSocket } from 'rxjs/webSocket'
import type { Job } from './job.ts'

interface Reading {
  readonly topic: string
  readonly value: number
}

/** Two topics that are told apart on one connection, which is closed when nobody listens any more. */
export const rxjs: Job = async (url, WebSocketCtor) => {
  const closed = Promise.withResolvers<number>()
  const closeObserver = { next: ({ code }: CloseEvent) => closed.resolve(code) }
  const subject = webSocket<Reading | object>({ url, WebSocketCtor, closeObserver })
  const readings = (topic: string) =>
    subject.multiplex(
      () => ({ subscribe: topic }),
      () => ({ unsubscribe: topic }),
      (reading) => (reading as Reading).topic === topic,
    )
  const both = merge(readings('a').pipe(take(2)), readings('b').pipe(take(3)))
  const results = await lastValueFrom(both.pipe(toArray()))
  return [(results as Reading[]).map(({ topic, value }) => `${topic}${value}`).toSorted(), await closed.promise]
}
