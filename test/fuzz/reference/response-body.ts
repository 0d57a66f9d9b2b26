/** RFC 9112 §6.3 and §7.1 on all that came until the connection ended: what of it is the body, line by line. */
import { BODY_LIMIT } from '../../../src/handshake/refusal.ts'
import type { Head } from './response-head.ts'

export interface Body {
  /** As much of it as is kept, a character for each byte. */
  readonly content: string
  readonly isTruncated: boolean
}

const CHUNK_LINE = /([0-9a-f]+)[ \t]*(?:;[^\r\n]*)?\r\n/iy
const CRLF = '\r\n'

export function readBody({ status, fields }: Head, text: string): Body {
  if (status === 204 || status === 304) return { content: '', isTruncated: false }
  const codings = elementsOf('transfer-encoding', fields)
  if (codings.at(-1)?.toLowerCase() === 'chunked') return readChunks(text)
  const lengths = codings.length > 0 ? [] : [...new Set(elementsOf('content-length', fields))]
  const isLength = lengths.length === 1 && /^\d+$/.test(lengths[0]!)
  const length = isLength ? Number(lengths[0]) : text.length
  return keep(text.slice(0, length), text.length >= length)
}

function elementsOf(name: string, fields: Head['fields']): string[] {
  return (
    fields
      .filter(([each]) => each.toLowerCase() === name)
      .flatMap(([, value]) => value.split(','))
      // OWS of RFC 9110 §5.6.3: trim would take U+00A0 as well.
      .map((element) => element.replace(/^[ \t]+|[ \t]+$/g, ''))
      .filter((element) => element !== '')
  )
}

function readChunks(text: string): Body {
  let content = ''
  for (let at = 0; ; ) {
    CHUNK_LINE.lastIndex = at
    const [line, digits] = CHUNK_LINE.exec(text) ?? []
    if (line === undefined) return keep(content, false)
    const size = Number.parseInt(digits!, 16)
    if (size === 0) return keep(content, true)
    const from = at + line.length
    content += text.slice(from, from + size)
    at = from + size + CRLF.length
    if (text.slice(from + size, at) !== CRLF) return keep(content, false)
  }
}

function keep(content: string, isComplete: boolean): Body {
  return { content: content.slice(0, BODY_LIMIT), isTruncated: !isComplete || content.length > BODY_LIMIT }
}
