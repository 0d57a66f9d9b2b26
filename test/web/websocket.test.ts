import { Agent } from 'undici'
import * as vitest from 'vitest'
import { WebSocket } from '../../src/web/websocket.ts'
import type { RunningWorker } from '../support/miniflare.ts'
import { WEBSOCKET } from './behaviour/groups.ts'
import { type Implementation, mergeProtocols, withOptions } from './implementation.ts'
import { FETCH_LACKS, startPassingWorker } from './passing.ts'
import { behaviour, type SocketClass } from './suite.ts'

const type = WebSocket as unknown as SocketClass

const WAYS: readonly Implementation<SocketClass>[] = [
  { name: 'tcp', httpVersion: '1.1', create: () => type },
  {
    name: 'http2',
    httpVersion: '2',
    create: (ca) => withOptions(type, { httpVersion: '2', httpVersionPolicy: 'exact', tls: { ca } }, mergeProtocols),
  },
  {
    name: 'a dispatcher of undici',
    httpVersion: '1.1',
    create: () => withOptions(type, { dispatcher: new Agent() }, mergeProtocols),
  },
  {
    name: 'a fetch that can upgrade',
    httpVersion: '1.1',
    create: () => withOptions(type, { fetch: worker.miniflare.dispatchFetch }, mergeProtocols),
    lacks: FETCH_LACKS,
  },
]

let worker: RunningWorker
vitest.beforeAll(async () => {
  worker = await startPassingWorker()
})
vitest.afterAll(() => worker.close())

for (const way of WAYS) behaviour(way, WEBSOCKET, vitest)
