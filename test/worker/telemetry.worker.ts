/** A Worker that tells what hawser's channels have told of one socket. */
import { subscribe } from 'node:diagnostics_channel'
import { connect } from 'hawser'

const CHANNELS = ['hawser:handshake:start', 'hawser:handshake:response', 'hawser:open', 'hawser:ping', 'hawser:close']
const events: object[] = []
for (const channel of CHANNELS) subscribe(channel, (message) => events.push({ channel, ...(message as object) }))

export default {
  async fetch(request: Request): Promise<Response> {
    const socket = await connect(new URL(request.url).searchParams.get('url')!, { transport: 'tcp' })
    await socket.send('hello')
    await socket.receive()
    await socket.ping()
    await socket.close()
    return Response.json(events)
  },
}
