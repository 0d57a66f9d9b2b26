/**
 * A program with nothing but a socket, as its own process: `lone-client.ts SCENARIO URL [CA]`. It prints how many
 * milliseconds it went on for after its work was done.
 */
import { Agent } from 'undici'
import { type ClientWebSocketOptions, connect } from '../../src/index.ts'

const [, , scenario = '', url = '', ca] = process.argv

const options: ClientWebSocketOptions = ca === undefined ? {} : { tls: { ca } }

async function echo(more: ClientWebSocketOptions = options): Promise<void> {
  const socket = await connect(`${url}/echo`, more)
  await socket.send('hello')
  await socket.ping()
  if ((await socket.receive()) !== 'hello') throw new Error('No echo')
  await socket.close()
}

const SCENARIOS: Readonly<Record<string, () => Promise<unknown>>> = {
  echo,
  dispatcher: () => echo({ dispatcher: new Agent() }),
  global: () => echo({ dispatcher: 'global' }),
  keepAlive: () => echo({ ...options, keepAliveInterval: 60_000, keepAliveTimeout: 60_000 }),
  // The server closes; nobody calls close.
  closed: async () => {
    const socket = await connect(`${url}/close`, options)
    await socket.receive()
  },
  aborted: async () => {
    const socket = await connect(`${url}/stalled`, options)
    socket.send(new Uint8Array(32 * 1024 * 1024))
    socket.ping()
    socket.receive().catch(() => {})
    socket.close()
    socket.abort()
  },
  refused: () => connect(`${url}/refuse`, options).catch(() => {}),
  timedOut: () => connect(`${url}/silent`, { ...options, handshakeTimeout: 20 }).catch(() => {}),
  // The peer of this one resets the connection; nobody looks at what was sent.
  reset: async () => {
    const socket = await connect(url, options)
    for (let i = 0; i < 1000; i++) socket.send('x'.repeat(1000))
    socket.ping()
    socket.closeOutput()
    await socket.receive().catch(() => {})
    socket.send('after the end')
    socket.ping()
    socket.closeOutput()
  },
}

await SCENARIOS[scenario]!()
const done = performance.now()
process.once('exit', () => console.log(Math.round(performance.now() - done)))
