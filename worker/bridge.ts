/** Carries messages between a caller's WebSocket and an upstream's, until either ends. */
import type { ClientWebSocket } from 'hawser'
import { closeReason, closeSocket, codeToPass } from './close.ts'
import { roomToSend } from './room.ts'

/** Bytes that wait for the upstream. The runtime cannot make a caller wait. */
const MAX_WAITING = 4 * 1024 * 1024

/** Resolves when both connections are over. It never fails: whatever ends one of them is told to the other. */
export async function bridge(caller: WebSocket, upstream: ClientWebSocket): Promise<void> {
  const gone = new AbortController()
  const onEnd = (code: number, reason: string) => {
    gone.abort()
    // hawser always gives a code: 1000 means what no code does. A caller that was lost has gone away.
    upstream.close(codeToPass(code, 1001) ?? 1000, closeReason(reason)).catch(() => {})
  }
  caller.binaryType = 'arraybuffer'
  caller.addEventListener('message', ({ data }) => toUpstream(data as string | ArrayBuffer, caller, upstream))
  caller.addEventListener('close', ({ code, reason }) => onEnd(code, reason))
  // A caller that breaks a rule ends with this alone; after a close it means nothing.
  caller.addEventListener('error', () => onEnd(1006, ''))
  // Half-open: what the upstream still has to say, and its code, come before our own close.
  caller.accept({ allowHalfOpen: true })
  await toCaller(upstream, caller, gone.signal)
}

function toUpstream(data: string | ArrayBuffer, caller: WebSocket, upstream: ClientWebSocket): void {
  // What waits is judged before: a message of any size may be the first.
  if (upstream.bufferedAmount <= MAX_WAITING) {
    upstream.send(data)
    return
  }
  closeSocket(caller, 1013, 'The upstream does not take messages as fast as they come.')
  upstream.abort()
}

async function toCaller(upstream: ClientWebSocket, caller: WebSocket, gone: AbortSignal): Promise<void> {
  try {
    for await (const message of upstream) {
      caller.send(message)
      await roomToSend(caller, gone)
    }
    closeSocket(caller, codeToPass(upstream.closeStatus, 1011), upstream.closeStatusDescription)
    await upstream.close()
  } catch (error) {
    upstream.abort()
    closeSocket(caller, 1011, error instanceof Error ? error.message : '')
  }
}
