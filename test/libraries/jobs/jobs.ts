import { graphqlWs } from './graphql-ws.ts'
import type { Job } from './job.ts'
import { mqttJs } from './mqtt.ts'
import { partysocket } from './partysocket.ts'
import { reconnectingWebSocket } from './reconnecting-websocket.ts'
import { rxjs } from './rxjs.ts'
import { socketIo } from './socket-io.ts'
import { trpc } from './trpc.ts'
import { yWebsocket } from './y-websocket.ts'

/** The jobs by the names of their libraries. */
export const JOBS = {
  '@trpc/client': trpc,
  'graphql-ws': graphqlWs,
  mqtt: mqttJs,
  partysocket,
  'reconnecting-websocket': reconnectingWebSocket,
  rxjs,
  'socket.io-client': socketIo,
  'y-websocket': yWebsocket,
} as const satisfies Readonly<Record<string, Job>>

export type Library = keyof typeof JOBS
