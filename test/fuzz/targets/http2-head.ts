/** What answers an extended CONNECT, as Node tells it: any fields, any body, any end. There is an answer or a documented failure, once. */
import type { ClientHttp2Session } from 'node:http2'
import { Duplex } from 'node:stream'
import { HandshakeError } from '../../../src/errors.ts'
import { BODY_LIMIT } from '../../../src/handshake/refusal.ts'
import { buildRequest } from '../../../src/handshake/request.ts'
import { extendedConnect } from '../../../src/transport/http2.ts'
import { Http2Connection } from '../../../src/transport/http2-connection.ts'
import type { Draw } from '../draw.ts'
import { judgeAnswer } from '../judge/answer.ts'
import { makeFields, makeSyntax } from '../make/fields.ts'
import { broken, same, sameBytes, show, type Target } from '../target.ts'

interface Case {
  readonly status: string | undefined
  /** Names and values in turn. */
  readonly fields: readonly string[]
  /** Whether the runtime gives the fields as they came, too. */
  readonly isRaw: boolean
  readonly body: readonly Uint8Array[]
  readonly ending: 'end' | 'reset' | 'error' | 'abort'
  /** How many pieces of the body come before that. */
  readonly endsAfter: number
  readonly rstCode: number
}

const STATUSES = ['200', '200', '404', '503', '302', '101', '204', '304', '999', '0', 'x', undefined]
const URL_TO = new URL('wss://a.example/')

export const http2Head: Target<Case> = {
  name: 'http2-head',
  generate: (draw) => ({
    status: draw.pick(STATUSES),
    fields: makeHttp2Fields(draw),
    isRaw: draw.below(4) !== 3,
    body: draw.list(1, 4, () => draw.bytes(draw.length(draw.oneIn(64) ? 80_000 : 200))),
    ending: draw.pick(['end', 'reset', 'error', 'abort'] as const),
    endsAfter: draw.below(5),
    rstCode: draw.below(16),
  }),
  check: play,
}

function makeHttp2Fields(draw: Draw): string[] {
  const fields = makeFields(draw).flatMap(([name, value]) => [name.toLowerCase(), value])
  return draw.oneIn(16) ? [...fields, makeSyntax(draw, ['x', ':', '-'], 2), makeSyntax(draw, ['v', ','], 2)] : fields
}

/** A stream of HTTP/2 of which nothing is ever sent. */
class MemoryHttp2Stream extends Duplex {
  readonly id = 1
  rstCode = 0

  constructor(signal: AbortSignal | undefined) {
    super({ read: () => {}, write: (_bytes, _encoding, done) => done(), allowHalfOpen: true })
    signal?.addEventListener('abort', () => this.destroy(signal.reason as Error))
  }
}

async function play(fuzzed: Case): Promise<void> {
  let stream: MemoryHttp2Stream | undefined
  let released = 0
  const session = {
    request: (_fields: object, { signal }: { signal?: AbortSignal }) => (stream = new MemoryHttp2Stream(signal)),
    state: { remoteWindowSize: 1 },
    closed: false,
    destroyed: false,
  }
  const connection = new Http2Connection(session as unknown as ClientHttp2Session)
  const request = buildRequest(URL_TO, { headers: [], subprotocols: ['a', 'b'] })
  const controller = new AbortController()
  const reason = new Error('The caller has lost interest')
  const lease = { connection, isReused: false, release: () => released++ }
  const answered = extendedConnect(lease, request, controller.signal)
  let isSettled = false
  const settled = () => {
    isSettled = true
  }
  answered.then(settled, settled)
  await answer(stream!, fuzzed, () => controller.abort(reason))
  stream!.destroy()
  await new Promise(setImmediate)
  same(isSettled, true, 'whether there is an outcome')
  same(released, 1, 'how often the connection was let go of')
  await judge(fuzzed, answered, reason)
}

async function answer(stream: MemoryHttp2Stream, fuzzed: Case, abort: () => void): Promise<void> {
  const { status, fields, isRaw, body, ending, endsAfter } = fuzzed
  if (status !== undefined) {
    const all = [':status', status, ...fields]
    stream.emit('headers', { ':status': 103 }, 0, [':status', '103'])
    stream.emit('response', asRecord(all), 0, ...(isRaw ? [all] : []))
  }
  for (const piece of body.slice(0, endsAfter)) stream.push(piece)
  await new Promise(setImmediate)
  if (ending === 'end') stream.push(null)
  else if (ending === 'abort') abort()
  else {
    stream.rstCode = fuzzed.rstCode
    stream.destroy(ending === 'error' ? new Error('Stream closed with an error') : undefined)
  }
  await new Promise(setImmediate)
}

/** As Node makes it: cookies as a list, what else is repeated in one. */
function asRecord(fields: readonly string[]): Record<string, string | string[]> {
  const record: Record<string, string | string[]> = Object.create(null)
  for (let i = 0; i < fields.length; i += 2) {
    const [name, value] = [fields[i]!, fields[i + 1]!]
    const before = record[name]
    if (name === 'set-cookie') record[name] = [...(before ?? []), value]
    else record[name] = before === undefined ? value : `${before}, ${value}`
  }
  return record
}

async function judge(
  { status, body, ending, endsAfter, fields, isRaw }: Case,
  answered: ReturnType<typeof extendedConnect>,
  reason: Error,
) {
  const outcome = await answered.catch((error: unknown) => ({ failed: error }))
  if ('failed' in outcome) {
    same(outcome.failed, reason, 'what it fails with')
    same(ending === 'abort' && status === undefined, true, 'whether it was aborted before there was an answer')
  } else if ('error' in outcome) {
    same(status, undefined, 'the status of what is no answer')
    if (!(outcome.error instanceof HandshakeError)) broken(`An undocumented failure: ${show(outcome.error)}`)
  } else {
    same(String(outcome.head.status), String(Number(status)), 'status')
    if (isRaw)
      same(outcome.head.headers.size, fields.filter((name, i) => i % 2 === 0 && !name.startsWith(':')).length, 'fields')
    judgeAnswer(outcome.head)
    if (outcome.stream === undefined) judgeBody(outcome.body, Buffer.concat(body.slice(0, endsAfter)))
  }
}

/** Of a body that ends too early there may be less. */
function judgeBody(body: Uint8Array, sent: Uint8Array): void {
  if (body.length > BODY_LIMIT) broken(`A body of ${body.length} bytes`)
  sameBytes(body, sent.subarray(0, body.length), 'body')
}
