/**
 * A program with nothing but a WebSocket, as its own process: `lone-websocket.ts SCENARIO URL`. It prints what it has
 * found.
 */
import { WebSocket } from '../../src/web/websocket.ts'
import { WebSocketStream } from '../../src/web/websocketstream.ts'

const [, , scenario = '', url = ''] = process.argv

function loaded(): string[] {
  const { moduleLoadList } = process as unknown as { moduleLoadList: string[] }
  return moduleLoadList.filter((name) => /deps\/undici|http2|NativeModule (tls|http|zlib)$/.test(name))
}

const SCENARIOS: Readonly<Record<string, () => Promise<unknown>>> = {
  // Nothing of Node's HTTP client, until somebody names one of its interfaces.
  loading: async () => {
    const socket = new WebSocket(`${url}/echo`)
    socket.onopen = () => socket.send('x')
    const event = await new Promise<Event>((resolve) => {
      socket.onmessage = resolve
    })
    const before = loaded()
    const { length } = before
    const isOne = event instanceof MessageEvent && event instanceof Event && event.constructor === MessageEvent
    socket.close()
    return { before, isOne, isLoadedThen: loaded().length > length }
  },
  // An open one keeps the process; the server closes it.
  kept: async () => {
    const socket = new WebSocket(`${url}/echo`)
    setTimeout(() => socket.close(), 100).unref()
    socket.onclose = ({ code }) => console.log(`"closed with ${code}"`)
    return 'begun'
  },
  refused: async () => {
    new WebSocket(`${url}/refuse`)
    new WebSocketStream(`${url}/refuse`)
    return 'nobody looks'
  },
}

console.log(JSON.stringify(await SCENARIOS[scenario]!()))
