/** RFC 6455 §5.2: opcodes 3–7 and 11–15 are reserved, and a client fails the connection when one comes. */
import { ALL_CHOPS, type Case, failed, failing, frame, hearPong, type Item, ping, raw, say, text } from '../script.ts'

const RESERVED = [3, 4, 5, 6, 7, 11, 12, 13, 14, 15]

interface Place {
  readonly what: string
  readonly before?: readonly Item[]
  readonly payload: string
  readonly fin?: boolean
  readonly messages?: readonly string[]
}

const PLACES: readonly Place[] = [
  { what: 'without a payload', payload: '' },
  { what: 'with a payload', payload: 'reserved' },
  { what: 'of 126 bytes', payload: 'x'.repeat(126) },
  { what: 'that is a fragment', payload: 'reserved', fin: false },
  { what: 'behind a message', before: [text('one')], payload: 'reserved', messages: ['one'] },
  { what: 'inside a message', before: [text('begun ', { fin: false })], payload: 'reserved' },
]

const cases = RESERVED.flatMap((opcode) =>
  PLACES.flatMap(({ what, before = [], payload, fin = true, messages = [] }): Case[] => {
    const outcome = failed(
      'reserved-opcode',
      messages.map((each) => ({ text: each })),
    )
    return [
      {
        name: `RFC 6455 §5.2: opcode ${opcode} ${what}`,
        script: [say(...before, frame(opcode, payload, { fin })), ...failing(1002, text('more'))],
        chops: payload.length > 100 ? ['whole', 'octets'] : ALL_CHOPS,
        outcome,
      },
      {
        name: `RFC 6455 §5.2: opcode ${opcode} ${what} is refused at its first byte`,
        script: [say(...before, raw([(fin ? 0x80 : 0) | opcode])), ...failing(1002, raw('01 78'), text('more'))],
        outcome,
      },
    ]
  }),
)

export const opcodes: readonly Case[] = [
  ...cases,
  {
    name: 'RFC 6455 §5.2: what came before a reserved opcode is answered, what comes after is not',
    script: [say(ping('before'), frame(11, 'x'), ping('after')), hearPong('before'), ...failing(1002)],
    chops: ['whole', 'octets'],
    outcome: failed('reserved-opcode'),
  },
]
