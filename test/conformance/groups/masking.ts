/** RFC 6455 §5.1: "A server MUST NOT mask any frames", and a client closes when it does. */
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
  PING,
  PONG,
  raw,
  say,
  TEXT,
  text,
} from '../script.ts'

const FRAMES: readonly (readonly [what: string, opcode: number, payload: string | Uint8Array])[] = [
  ['text frame', TEXT, 'hello'],
  ['empty text frame', TEXT, ''],
  ['binary frame', BINARY, 'hello'],
  ['binary frame of 126 bytes', BINARY, 'x'.repeat(126)],
  ['Ping', PING, 'hello'],
  ['empty Ping', PING, ''],
  ['Pong', PONG, 'hello'],
  ['Close frame', CLOSE, closePayload(1000, 'bye')],
  ['empty Close frame', CLOSE, ''],
]

const alone = FRAMES.flatMap(([what, opcode, payload]): Case[] => [
  {
    name: `RFC 6455 §5.1: a masked ${what}`,
    script: [say(frame(opcode, payload, { isMasked: true })), ...failing(1002)],
    chops: ALL_CHOPS,
    outcome: failed('masked'),
  },
  {
    name: `RFC 6455 §5.1: a masked ${what} is refused as soon as its mask bit is there`,
    script: [say(text('before'), raw([0x80 | opcode, 0x80 | 5])), ...failing(1002, raw('00 00 00 00 68 65 6c 6c 6f'))],
    chops: ['whole', 'octets'],
    outcome: failed('masked', [{ text: 'before' }]),
  },
])

export const masking: readonly Case[] = [
  ...alone,
  {
    name: 'RFC 6455 §5.1: a masked continuation',
    script: [
      say(text('begun ', { fin: false }), frame(CONTINUATION, 'ended', { isMasked: true })),
      ...failing(1002, text('more')),
    ],
    chops: ALL_CHOPS,
    outcome: failed('masked'),
  },
]
