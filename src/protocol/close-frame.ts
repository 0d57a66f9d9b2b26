import { memoryText } from '../codec/text.ts'

/** The payload of a Close frame (RFC 6455 §5.5.1): empty without a code. */
export function closePayload(code: number | undefined, reason: string): Uint8Array {
  if (code === undefined) return new Uint8Array(0)
  const text = memoryText.encode(reason)
  const payload = new Uint8Array(2 + text.length)
  new DataView(payload.buffer).setUint16(0, code)
  payload.set(text, 2)
  return payload
}

/** What a Close frame says: no code if it is empty, no reason if that is not UTF-8. */
export function parseClose(payload: Uint8Array): { code?: number; reason?: string } {
  if (payload.length === 0) return { reason: '' }
  const code = new DataView(payload.buffer, payload.byteOffset).getUint16(0)
  try {
    return { code, reason: new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(payload.subarray(2)) }
  } catch {
    return { code }
  }
}
