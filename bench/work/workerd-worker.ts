/** A Worker that sends messages and waits for their echo: `POST /` with what is to be done as JSON. */
import { connect } from 'hawser'

interface Asked {
  readonly url: string
  readonly way: 'hawser tcp' | 'hawser fetch' | 'native'
  readonly kind: 'text' | 'binary'
  readonly size: number
  /** So many are under way, in two halves. */
  readonly burst: number
  readonly messages: number
}

interface Channel {
  send(message: string | Uint8Array): void
  close(): void
}
type Take = (message: string | Uint8Array) => void

/** The socket of the runtime, as far as it is used; the types of Node do not have it. */
interface NativeSocket {
  accept(): void
  send(message: string | Uint8Array): void
  close(): void
  addEventListener(type: 'message', listener: (event: { data: string | ArrayBuffer }) => void): void
}

async function openNative({ url }: Asked, take: Take): Promise<Channel> {
  const response = await fetch(url, { headers: { upgrade: 'websocket' } })
  const { webSocket } = response as unknown as { webSocket: NativeSocket }
  webSocket.accept()
  webSocket.addEventListener('message', ({ data }) => take(typeof data === 'string' ? data : new Uint8Array(data)))
  return webSocket
}

async function openHawser({ url, way }: Asked, take: Take): Promise<Channel> {
  const ws = await connect(url.replace('http', 'ws'), { transport: way === 'hawser tcp' ? 'tcp' : 'fetch' })
  const read = async () => {
    for await (const batch of ws.batches()) for (const message of batch) take(message)
  }
  read().catch(() => {})
  return { send: (message) => void ws.send(message), close: () => ws.abort() }
}

function isSame(one: string | Uint8Array, other: string | Uint8Array): boolean {
  if (typeof one === 'string' || typeof other === 'string') return one === other
  return one.length === other.length && one.every((byte, i) => byte === other[i])
}

async function play(asked: Asked): Promise<void> {
  const { kind, size, burst, messages } = asked
  const text = 'The quick brown fox jumps over the lazy dog. '.repeat(Math.ceil(size / 45)).slice(0, size)
  const message = kind === 'text' ? text : new TextEncoder().encode(text)
  const step = Math.max(1, burst >> 1)
  const { promise, resolve, reject } = Promise.withResolvers<void>()
  let received = 0
  let sent = 0
  const send = () => {
    for (let i = 0; i < step; i++) channel.send(message)
    sent += step
  }
  const channel: Channel = await (asked.way === 'native' ? openNative : openHawser)(asked, (back) => {
    // Each of the first is compared in full, and all by their length.
    if (back.length !== size || (received < 64 && !isSame(back, message)))
      reject(new Error('Another message came back'))
    received++
    if (received % step !== 0) return
    if (sent < messages) send()
    else if (received === sent) resolve()
  })
  send()
  send()
  await promise
  channel.close()
}

export default {
  async fetch(request: Request): Promise<Response> {
    await play((await request.json()) as Asked)
    return new Response('done')
  },
}
