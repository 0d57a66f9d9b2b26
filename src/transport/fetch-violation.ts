/** What the runtime tells of a peer that broke a rule: only in words. */
import { MessageTooBigError, ProtocolError } from '../errors.ts'

/** The largest message that the runtime takes in. */
const MESSAGE_LIMIT = 32 * 1024 * 1024
const VIOLATION = /protocolError\.statusCode = (\d+); protocolError\.description = (.*)/s

/** The rules that the runtime tells of, by the names that hawser has for them. */
const RULES: readonly (readonly [RegExp, string])[] = [
  [/RSV|compression bit/, 'reserved-bits'],
  [/opcode/, 'reserved-opcode'],
  [/fragmented control/, 'fragmented-control'],
  [/continuation/, 'unexpected-continuation'],
]

/** The error for an error event that says that the peer broke a rule; undefined if it says anything else. */
export function violation(message: string): ProtocolError | MessageTooBigError | undefined {
  const match = VIOLATION.exec(message)
  if (match === null) return undefined
  const [, code, description = ''] = match
  if (code === '1009')
    return new MessageTooBigError(`The runtime takes no larger message: ${description}`, MESSAGE_LIMIT)
  const rule = RULES.find(([pattern]) => pattern.test(description))?.[1] ?? 'protocol-error'
  return new ProtocolError(rule, Number(code), description)
}
