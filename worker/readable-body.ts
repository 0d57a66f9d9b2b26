/** The body of a refusal, for people to read. */
import type { HandshakeResponse } from 'hawser'

/** Bytes of a decoded body that are shown: a few may become very many. */
const SHOWN_LIMIT = 65_536

/**
 * The content codings (RFC 9110 §8.4.1), by the names that DecompressionStream has for them. Not every runtime has the
 * last.
 */
const FORMATS: Readonly<Record<string, string>> = {
  gzip: 'gzip',
  'x-gzip': 'gzip',
  deflate: 'deflate',
  br: 'brotli',
}

interface ReadableBody {
  /** As text; undefined if it is in a coding that is not known here. */
  readonly body?: string
  /** The coding that could not be undone. */
  readonly bodyCoding?: string
  readonly bodyTruncated: boolean
}

/** The body as text, its content coding undone: as much of it as is there. */
export async function readableBody({ headers, body, bodyTruncated }: HandshakeResponse): Promise<ReadableBody> {
  const coding = headers.get('content-encoding')?.trim().toLowerCase() ?? ''
  if (coding === '' || coding === 'identity' || body.length === 0) return { body: textOf(body), bodyTruncated }
  const decoder = decoderOf(coding)
  if (decoder === undefined) return { bodyCoding: coding, bodyTruncated }
  const { bytes, isComplete } = await decoded(body, decoder)
  // What does not begin as the coding says it would is no more readable than one that is not known.
  if (bytes.length === 0 && !isComplete) return { bodyCoding: coding, bodyTruncated }
  return { body: textOf(bytes), bodyTruncated: bodyTruncated || !isComplete }
}

function textOf(bytes: Uint8Array): string {
  return new TextDecoder().decode(bytes)
}

function decoderOf(coding: string): DecompressionStream | undefined {
  const format = FORMATS[coding]
  if (format === undefined) return undefined
  try {
    return new DecompressionStream(format as 'gzip')
  } catch {
    return undefined
  }
}

/**
 * What `decoder` makes of `body`, up to the limit, and whether that is all. What was cut off decodes as far as it goes.
 */
async function decoded(
  body: Uint8Array,
  decoder: DecompressionStream,
): Promise<{ bytes: Uint8Array; isComplete: boolean }> {
  const reader = new Blob([body]).stream().pipeThrough(decoder).getReader()
  const bytes = new Uint8Array(SHOWN_LIMIT)
  let length = 0
  try {
    for (;;) {
      const { done, value } = await reader.read()
      if (done) return { bytes: bytes.subarray(0, length), isComplete: true }
      const kept = value.subarray(0, SHOWN_LIMIT - length)
      bytes.set(kept, length)
      length += kept.length
      if (kept.length < value.length) break
    }
    reader.cancel().catch(() => {})
  } catch {
    // It was cut off, or is broken.
  }
  return { bytes: bytes.subarray(0, length), isComplete: false }
}
