/** RFC 6455 §5.2: reserved bits are 0 unless an extension gave them a meaning. */
import {
  ALL_CHOPS,
  BINARY,
  type Case,
  CLOSE,
  CONTINUATION,
  closePayload,
  failed,
  failing,
  frame,
  hearPong,
  type Item,
  PING,
  PONG,
  ping,
  raw,
  say,
  TEXT,
  text,
} from '../script.ts'

const BITS = [1, 2, 3, 4, 5, 6, 7]

interface Place {
  readonly what: string
  readonly before: readonly Item[]
  readonly opcode: number
  readonly payload: string | Uint8Array
  readonly messages?: readonly string[]
}

const BEGUN = text('begun ', { fin: false })

const PLACES: readonly Place[] = [
  { what: 'a text frame', before: [], opcode: TEXT, payload: 'hello' },
  { what: 'an empty text frame', before: [], opcode: TEXT, payload: '' },
  { what: 'a text frame behind a message', before: [text('one')], opcode: TEXT, payload: 'two', messages: ['one'] },
  { what: 'a binary frame', before: [], opcode: BINARY, payload: 'hello' },
  { what: 'a continuation', before: [BEGUN], opcode: CONTINUATION, payload: 'ended' },
  { what: 'a Ping', before: [], opcode: PING, payload: 'hello' },
  { what: 'a Ping inside a message', before: [BEGUN], opcode: PING, payload: 'hello' },
  { what: 'a Pong', before: [], opcode: PONG, payload: 'hello' },
  { what: 'a Close frame', before: [], opcode: CLOSE, payload: closePayload(1000) },
  { what: 'a Close frame inside a message', before: [BEGUN], opcode: CLOSE, payload: closePayload(1000) },
]

function casesOf({ what, before, opcode, payload, messages = [] }: Place): readonly Case[] {
  const outcome = failed(
    'reserved-bits',
    messages.map((each) => ({ text: each })),
  )
  return BITS.flatMap((rsv): Case[] => [
    {
      name: `RFC 6455 §5.2: reserved bits ${rsv} in ${what}`,
      script: [say(...before, frame(opcode, payload, { rsv })), ...failing(1002, text('more'))],
      chops: ALL_CHOPS,
      outcome,
    },
    {
      name: `RFC 6455 §5.2: reserved bits ${rsv} in ${what} are refused at its first byte`,
      script: [say(...before, raw([0x80 | (rsv << 4) | opcode])), ...failing(1002, raw('05'), raw('68 65 6c 6c 6f'))],
      outcome,
    },
  ])
}

export const reserved: readonly Case[] = [
  ...PLACES.flatMap(casesOf),
  {
    name: 'RFC 6455 §5.2: what came before a frame with reserved bits is answered, what comes after is not',
    script: [
      say(text('one'), ping('before'), frame(BINARY, 'x', { rsv: 3 }), ping('after')),
      hearPong('before'),
      ...failing(1002),
    ],
    chops: ['whole', 'octets'],
    outcome: failed('reserved-bits', [{ text: 'one' }]),
  },
]
