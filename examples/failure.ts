import { type ClientWebSocketOptions, connect, HandshakeError } from 'hawser'

/** Why connecting fails. It has to. */
export async function failureOf(url: string, options: ClientWebSocketOptions = {}): Promise<HandshakeError> {
  try {
    const ws = await connect(url, options)
    ws.abort()
  } catch (error) {
    if (error instanceof HandshakeError) return error
    throw error
  }
  throw new Error(`${url} did not refuse`)
}
