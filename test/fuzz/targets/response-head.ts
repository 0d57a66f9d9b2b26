/** What answers a handshake over HTTP/1.1, right and wrong, in any chunks: the same for all of them, and as a naive reader has it. */
import { HandshakeError } from '../../../src/errors.ts'
import { BODY_LIMIT } from '../../../src/handshake/refusal.ts'
import { ResponseBodyReader } from '../../../src/handshake/response-body.ts'
import { type ResponseHead, ResponseHeadReader } from '../../../src/handshake/response-head.ts'
import type { Draw } from '../draw.ts'
import { judgeAnswer } from '../judge/answer.ts'
import { attempt } from '../judge/attempt.ts'
import { cut, makeCuts, mutate } from '../make/chunks.ts'
import { makeFields } from '../make/fields.ts'
import { readBody } from '../reference/response-body.ts'
import { readHead } from '../reference/response-head.ts'
import { broken, same, sameBytes, show, type Target } from '../target.ts'

interface Case {
  readonly wire: Uint8Array
  readonly cuts: readonly number[]
}

interface Answer {
  readonly head?: ResponseHead
  readonly error?: HandshakeError
  readonly rest?: Uint8Array
  readonly body?: Uint8Array
  readonly isTruncated?: boolean
}

const STATUS_LINES = [
  'HTTP/1.1 101 Switching Protocols',
  'HTTP/1.1 200 OK',
  'HTTP/1.1 100 Continue',
  'HTTP/1.1 103',
  'HTTP/1.1 302 ',
  'HTTP/1.1 429 \xe9',
  'HTTP/1.0 503 x',
  'HTTP/1.0 101 x',
  'HTTP/1.1 204 ',
  'HTTP/1.1 999 x',
  'HTTP/2 200',
  'HTTP/1.1 099 x',
  'http/1.1 200 OK',
  'HTTP/1.1  200 OK',
  'SSH-2.0-x',
]
const LINE_ENDS = ['\r\n', '\r\n', '\r\n', '\r\n', '\r\n', '\r\n', '\r\n', '\n', '\r', '\r\r\n', '\r\n ', '\0\r\n']

export const responseHead: Target<Case> = {
  name: 'response-head',
  generate: (draw) => ({ wire: makeResponse(draw), cuts: makeCuts(draw) }),
  check: ({ wire, cuts }) => {
    const whole = read(wire, [])
    judgeSame(read(wire, cuts), whole)
    judgeAgainst(whole, wire)
    if (whole.head !== undefined) judgeAnswer(whole.head)
  },
}

function makeResponse(draw: Draw): Uint8Array {
  if (draw.oneIn(4096)) return makeLarge(draw)
  const heads = draw.list(0, 3, () => makeHead(draw, 'HTTP/1.1 100 Continue'))
  const text = [...heads, makeHead(draw, draw.pick(STATUS_LINES)), draw.oneIn(2) ? makeBody(draw) : ''].join('')
  const bytes = Buffer.from(text, 'latin1')
  return draw.oneIn(2) ? mutate(draw, bytes) : bytes
}

function makeHead(draw: Draw, statusLine: string): string {
  const isRight = !draw.oneIn(3)
  const end = () => (isRight ? '\r\n' : draw.pick(LINE_ENDS))
  const fields = makeFields(draw).map(
    ([name, value]) => `${name}${draw.pick([': ', ':', ':\t', isRight ? ':' : ' :'])}${value}${end()}`,
  )
  return `${statusLine}${end()}${fields.join('')}${end()}`
}

function makeBody(draw: Draw): string {
  return draw
    .list(3, 12, () =>
      draw.pick(['hello', '5\r\nhello\r\n', '0\r\n\r\n', '5;x=y\r\n', 'ffffffffffffffff\r\n', '\r\n', 'x', '-1\r\n']),
    )
    .join('')
}

/** At the limits of a head, and beyond. */
function makeLarge(draw: Draw): Uint8Array {
  const count = draw.pick([1, 255, 256, 257])
  const size = Math.floor(draw.between(65_500, 65_560) / count)
  const line = `A: ${'x'.repeat(size - 5)}\r\n`
  return Buffer.from(
    `HTTP/1.1 200 OK\r\n${line.repeat(count)}\r\n${'b'.repeat(draw.pick([0, 65_535, 65_536, 65_537, 70_000]))}`,
  )
}

function read(wire: Uint8Array, cuts: readonly number[]): Answer {
  const reader = new ResponseHeadReader()
  let fed = 0
  for (const chunk of cut(wire, cuts)) {
    fed += chunk.length
    let head: ResponseHead | undefined
    try {
      head = reader.push(chunk)
    } catch (error) {
      if (!(error instanceof HandshakeError)) throw error
      attempt(() => {
        throw error
      }, ['INVALID_RESPONSE'])
      return { error }
    }
    if (head === undefined) continue
    const rest = Buffer.concat([reader.rest, wire.subarray(fed)])
    return { head, rest, ...takeBody(head, [reader.rest, ...cut(wire.subarray(fed), cuts)]) }
  }
  return {}
}

function takeBody(head: ResponseHead, chunks: readonly Uint8Array[]): { body: Uint8Array; isTruncated: boolean } {
  const reader = new ResponseBodyReader(head)
  for (const chunk of chunks) {
    reader.push(chunk)
    if (reader.done) break
  }
  reader.end()
  same(reader.done, true, 'whether the body has an end')
  if (reader.body.length > BODY_LIMIT) broken(`A body of ${reader.body.length} bytes`)
  return { body: reader.body, isTruncated: reader.truncated }
}

function judgeSame(chunked: Answer, whole: Answer): void {
  same(chunked.error?.code, whole.error?.code, 'in chunks it fails with')
  same(show(headOf(chunked)), show(headOf(whole)), 'in chunks the head is')
  if (whole.head === undefined) return
  sameBytes(chunked.rest!, whole.rest!, 'in chunks the rest is')
  sameBytes(chunked.body!, whole.body!, 'in chunks the body is')
  same(chunked.isTruncated, whole.isTruncated, 'in chunks the body is cut off')
}

function judgeAgainst(answer: Answer, wire: Uint8Array): void {
  const text = Buffer.from(wire).toString('latin1')
  const expected = readHead(text)
  if (expected === undefined) {
    same(answer.head, undefined, 'what is not a head')
    return
  }
  const { status, statusText, fields, length } = expected
  if (answer.head === undefined) broken(`A valid head is refused: ${show(answer.error)}`)
  same(show(headOf(answer)), show({ status, statusText, fields }), 'head')
  sameBytes(answer.rest!, wire.subarray(length), 'rest')
  const { content, isTruncated } = readBody(expected, text.slice(length))
  sameBytes(answer.body!, Buffer.from(content, 'latin1'), 'body')
  same(answer.isTruncated, isTruncated, 'whether the body is cut off')
}

function headOf({ head }: Answer) {
  return head && { status: head.status, statusText: head.statusText, fields: [...head.headers] }
}
