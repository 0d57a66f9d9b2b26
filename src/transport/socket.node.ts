/** Connections through node:net and node:tls. */
import { once } from 'node:events'
import { connect as connectTcp, isIP, type OnReadOpts, type Socket, type TcpNetConnectOpts } from 'node:net'
import type { ConnectionOptions } from 'node:tls'
import type { TlsOptions } from '../options.ts'
import { networkError } from './network-error.ts'
import { NodeByteStream } from './node-byte-stream.ts'
import type { Address, Dial } from './tcp.ts'
import { tlsMaterial } from './tls-material.ts'

export interface NodeDialOptions {
  readonly tls: TlsOptions | undefined
  /** Where reads land. All sockets of a thread may share it: nothing stays in it beyond a call of the sink. */
  readonly readBuffer: Uint8Array
}

/** Opens connections over TCP and, for wss, TLS with ALPN `http/1.1`. */
export function nodeDial({ tls = {}, readBuffer }: NodeDialOptions): Dial {
  return async (address, signal) => {
    const connect = address.secure ? await secureConnector(address, tls) : connectTcp
    signal.throwIfAborted()
    let connected = false
    let socket: Socket | undefined
    try {
      const onread = readInto(readBuffer, (bytes) => stream.deliver(bytes))
      socket = connect({ host: address.hostname, port: address.port, noDelay: true, allowHalfOpen: true, onread })
      const stream = new NodeByteStream(socket)
      socket.once('connect', () => {
        connected = true
      })
      await once(socket, address.secure ? 'secureConnect' : 'connect', { signal })
      return stream
    } catch (error) {
      socket?.destroy()
      signal.throwIfAborted()
      // What fails when the connection stands and TLS does not, such as a check of the caller's, is the certificate.
      throw networkError(error, address.origin, connected ? 'TLS_FAILED' : 'NETWORK_FAILED')
    }
  }
}

function readInto(buffer: Uint8Array, deliver: (bytes: Uint8Array) => void): OnReadOpts {
  const callback = (length: number): boolean => {
    deliver(buffer.subarray(0, length))
    // To go on reading: the stream pauses the socket by itself.
    return true
  }
  return { buffer, callback }
}

/** node:tls is loaded only when it is needed: a program that speaks ws: alone starts faster without it. */
async function secureConnector(address: Address, tls: TlsOptions): Promise<(options: TcpNetConnectOpts) => Socket> {
  const { connect, checkServerIdentity } = await import('node:tls')
  const material = tlsMaterial(tls)
  const name = tls.servername ?? address.hostname
  const check = material.checkServerIdentity ?? checkServerIdentity
  const secure: ConnectionOptions = {
    ...material,
    ALPNProtocols: ['http/1.1'],
    // RFC 6066 §3: an address is no name for SNI; it is still what the certificate is checked for.
    servername: isIP(name) === 0 ? name : '',
    checkServerIdentity: (_, certificate) => check(name, certificate),
  }
  return (options) => connect({ ...secure, ...options })
}
