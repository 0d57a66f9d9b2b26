/**
 * What waits to be sent on a WebSocket of the runtime. Only its newest releases tell (`bufferedAmount`), and none has
 * an event for the moment when it has left; where they do not tell, the memory of the isolate is the limit.
 */

/** Bytes above which a sender should wait. */
const HIGH_WATER_MARK = 1024 * 1024
/** Milliseconds between two looks. */
const LOOK_EVERY = 20

/** Bytes that were sent and have not left yet, as far as the runtime tells. */
export function unsent(socket: WebSocket): number {
  return socket.bufferedAmount ?? 0
}

/** Resolves when there is room for more, or when nobody waits for it: a lost socket has the state OPEN for ever. */
export async function roomToSend(socket: WebSocket, gone: AbortSignal): Promise<void> {
  while (unsent(socket) > HIGH_WATER_MARK && !gone.aborted) {
    await new Promise((resolve) => setTimeout(resolve, LOOK_EVERY))
  }
}
