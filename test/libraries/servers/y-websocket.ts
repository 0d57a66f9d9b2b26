import { setupWSConnection } from '@y/websocket-server/utils'
import { listenWithWebSockets, type Serve } from './serve.ts'

export const serveYWebsocket: Serve = () =>
  listenWithWebSockets((webSockets) => {
    webSockets.on('connection', setupWSConnection)
  })
