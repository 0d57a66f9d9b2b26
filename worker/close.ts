/** What a Close frame may say (RFC 6455 §5.5.1, §7.4), where one connection's end is told to another. */

const MAX_REASON_BYTES = 123

/**
 * The code to send on: undefined for a frame without one. `lost` stands for a connection that ended without a Close
 * frame.
 */
export function codeToPass(code: number | undefined, lost: number): number | undefined {
  if (code === 1005) return undefined
  if (code === undefined || code === 1006) return lost
  return isSendable(code) ? code : 1011
}

/** 1004 to 1006 and 1015 are never sent; 1016 to 2999 mean nothing yet. */
function isSendable(code: number): boolean {
  if (code >= 3000) return code < 5000
  return code >= 1000 && code <= 1014 && (code < 1004 || code > 1006)
}

/** As much of a text as a Close frame holds, cut between characters. */
export function closeReason(text: string): string {
  const bytes = new Uint8Array(MAX_REASON_BYTES)
  return text.slice(0, new TextEncoder().encodeInto(text, bytes).read)
}

/** Closes a WebSocket of the runtime, which may be over already. */
export function closeSocket(socket: WebSocket, code: number | undefined, reason = ''): void {
  try {
    if (code === undefined) socket.close()
    else socket.close(code, closeReason(reason))
  } catch {}
}
