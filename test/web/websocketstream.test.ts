import { Agent } from 'undici'
import * as vitest from 'vitest'
import { WebSocketError, WebSocketStream } from '../../src/web/websocketstream.ts'
import type { RunningWorker } from '../support/miniflare.ts'
import { type Implementation, mergeOptions, withOptions } from './implementation.ts'
import { FETCH_STREAM_LACKS, startPassingWorker } from './passing.ts'
import { WEBSOCKETSTREAM } from './stream-behaviour/groups.ts'
import { behaviour, type StreamClasses } from './suite.ts'

function classes(options: object = {}): StreamClasses {
  const Stream = withOptions(WebSocketStream as unknown as StreamClasses['Stream'], options, mergeOptions)
  return { Stream, Failure: WebSocketError as unknown as StreamClasses['Failure'] }
}

const WAYS: readonly Implementation<StreamClasses>[] = [
  { name: 'tcp', httpVersion: '1.1', create: () => classes() },
  {
    name: 'http2',
    httpVersion: '2',
    create: (ca) => classes({ httpVersion: '2', httpVersionPolicy: 'exact', tls: { ca } }),
  },
  { name: 'a dispatcher of undici', httpVersion: '1.1', create: () => classes({ dispatcher: new Agent() }) },
  {
    name: 'a fetch that can upgrade',
    httpVersion: '1.1',
    create: () => classes({ fetch: worker.miniflare.dispatchFetch }),
    lacks: FETCH_STREAM_LACKS,
  },
]

let worker: RunningWorker
vitest.beforeAll(async () => {
  worker = await startPassingWorker()
})
vitest.afterAll(() => worker.close())

for (const way of WAYS) behaviour(way, WEBSOCKETSTREAM, vitest)
