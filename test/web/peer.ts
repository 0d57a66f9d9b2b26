/** The server of the suites: each URL that it gives out leads to a script of its own. */
import { createAuthority } from '../support/certificates.ts'
import { startHttp2Server } from '../support/http2-server.ts'
import { frame, type PeerConnection, startScriptedPeer } from '../support/scripted-peer.ts'
import type { PeerScript } from './suite.ts'

export interface RunningPeer {
  /** The certificate of the authority that the server's is from. */
  readonly ca: string
  /** The URL of a script that sends every message back. */
  readonly echo: string
  /** The URL of a script. */
  serve(script: PeerScript): string
  /** Ends all connections. What a script of theirs has failed with, `close` fails with. */
  cut(): void
  close(): Promise<void>
}

/** Starts the server; over HTTP/2, it stands behind a gateway. */
export async function startSuitePeer(httpVersion: '1.1' | '2'): Promise<RunningPeer> {
  const scripts: PeerScript[] = [echoing]
  const peer = await startScriptedPeer(async (connection) => {
    const request = await connection.readRequest()
    const path = request.head.split(' ')[1]!
    await scripts[Number(/[0-9]+/.exec(path))]!(connection, request)
  })
  const authority = await createAuthority()
  const tls = await authority.issue()
  const gateway =
    httpVersion === '2' ? await startHttp2Server({ tls, protocols: ['h2'], backendPort: peer.port }) : undefined
  const { url } = gateway ?? peer
  return {
    ca: authority.ca,
    echo: `${url}/0`,
    serve: (script) => `${url}/${scripts.push(script) - 1}`,
    cut: () => {
      for (const { socket } of peer.connections) socket.destroy()
    },
    close: async () => {
      await gateway?.close()
      await peer.close()
    },
  }
}

async function echoing(peer: PeerConnection): Promise<void> {
  await peer.accept()
  for (;;) {
    const { opcode, payload, fin } = await peer.readFrame()
    if (opcode === 9) await peer.write(frame(10, payload))
    else await peer.write(frame(opcode, payload, { fin }))
    if (opcode === 8) break
  }
  peer.end()
}
