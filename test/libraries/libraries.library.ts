import { describe, expect, onTestFinished, test } from 'vitest'
import type { Library } from './jobs/jobs.ts'
import { serveGraphql } from './servers/graphql-ws.ts'
import { serveMqtt } from './servers/mqtt.ts'
import { servePartysocket } from './servers/partysocket.ts'
import { serveOneAnswer, serveReadings } from './servers/plain.ts'
import type { Serve } from './servers/serve.ts'
import { serveSocketIo } from './servers/socket-io.ts'
import { serveTrpc } from './servers/trpc.ts'
import { serveYWebsocket } from './servers/y-websocket.ts'
import { WAYS } from './ways.ts'

/** The server of each library, and what comes of its job. */
const LIBRARIES: Readonly<Record<Library, { readonly serve: Serve; readonly result: unknown }>> = {
  '@trpc/client': { serve: serveTrpc, result: ['hello you', 3, 3, 2, 1] },
  'graphql-ws': {
    serve: serveGraphql,
    result: [{ hello: 'world' }, { countdown: 3 }, { countdown: 2 }, { countdown: 1 }],
  },
  mqtt: { serve: serveMqtt, result: ['news/0 ', 'news/1 x', 'news/2 xx'] },
  partysocket: { serve: servePartysocket, result: ['lobby: before', 'lobby: after', 1000] },
  'reconnecting-websocket': {
    serve: serveOneAnswer,
    result: ['one on 1', 'numbered', 'two on 2', 'numbered', 'three on 3', 'numbered'],
  },
  rxjs: { serve: serveReadings, result: [['a1', 'a2', 'b1', 'b2', 'b3'], 1005] },
  'socket.io-client': { serve: serveSocketIo, result: ['hi', 'hello', [1, 2, 3], ['a'], 'forced close'] },
  'y-websocket': { serve: serveYWebsocket, result: [true, ['one', 'two']] },
}

describe.each(Object.keys(LIBRARIES) as Library[])("%s does its main job on hawser's WebSocket", (library) => {
  test.each(Object.entries(WAYS))('%s', async (_name, way) => {
    const { serve, result } = LIBRARIES[library]
    const { port, close } = await serve()
    onTestFinished(async () => {
      await close()
    })
    const done = await way(library, port)
    expect(done.result).toEqual(result)
    expect(done.sockets).toBeGreaterThan(0)
  })
})
