/** RFC 6455 §10.4: a client protects itself from messages that are too large for it, and closes with 1009 (§7.4.1). */
import { bytesOf, toHex } from '../content.ts'
import {
  ALL_CHOPS,
  BINARY,
  binary,
  type Case,
  type Chop,
  closed,
  closing,
  continuation,
  failing,
  frame,
  hear,
  hearPong,
  message,
  ping,
  raw,
  say,
  TEXT,
  text,
  tooBig,
} from '../script.ts'

const LIMIT = 1000
const limited = { client: { options: { maxMessageSize: LIMIT } } }
const CHOPS: readonly Chop[] = ['whole', 'octets']

const bySize: readonly Case[] = [
  {
    name: 'RFC 6455 §10.4: messages of exactly maxMessageSize are received, in one frame and in fragments',
    client: { ...limited.client, echoes: true },
    script: [
      say(message({ textOf: LIMIT })),
      hear({ textOf: LIMIT }),
      say(message({ bytesOf: LIMIT }, { fragment: 1 })),
      hear({ bytesOf: LIMIT }),
      ...closing(),
    ],
    chops: ['whole', 7],
    outcome: closed([{ textOf: LIMIT }, { bytesOf: LIMIT }]),
  },
  ...(
    [
      ['text', TEXT],
      ['binary', BINARY],
    ] as const
  ).map(
    ([type, opcode]): Case => ({
      name: `RFC 6455 §10.4: a ${type} frame of one byte more is refused at its length`,
      ...limited,
      script: [say(text('one'), frame(opcode, '', { announces: LIMIT + 1 })), ...failing(1009, raw('61 62 63'))],
      chops: ALL_CHOPS,
      outcome: tooBig(LIMIT, [{ text: 'one' }]),
    }),
  ),
  {
    name: 'RFC 6455 §10.4: the fragment that makes a message too large is refused at its length',
    ...limited,
    script: [
      say(binary({ bytesOf: 600 }, { fin: false }), ping('so far')),
      hearPong('so far'),
      say(frame(0, '', { announces: 401, fin: false })),
      ...failing(1009, raw(new Uint8Array(401)), continuation('')),
    ],
    chops: CHOPS,
    outcome: tooBig(LIMIT),
  },
  {
    name: 'RFC 6455 §10.4: the limit is of one message, not of several, nor of control frames',
    ...limited,
    script: [
      say(binary({ bytesOf: 900 }, { fin: false }), ping('x'.repeat(125)), continuation(new Uint8Array(100))),
      hearPong('x'.repeat(125)),
      say(message({ bytesOf: LIMIT }), message({ bytesOf: LIMIT })),
      ...closing(),
    ],
    chops: CHOPS,
    outcome: closed([
      { hex: toHex(bytesOf({ bytesOf: 900 })) + '00'.repeat(100) },
      { bytesOf: LIMIT },
      { bytesOf: LIMIT },
    ]),
  },
]

const FRAGMENTS = 5

const byFragments: readonly Case[] = [
  {
    name: 'RFC 6455 §10.4: messages of exactly maxFragments fragments are received',
    client: { options: { maxFragments: FRAGMENTS } },
    script: [say(message({ textOf: 50 }, { fragment: 10 }), message({ textOf: 50 }, { fragment: 10 })), ...closing()],
    chops: ALL_CHOPS,
    outcome: closed([{ textOf: 50 }, { textOf: 50 }]),
  },
  {
    name: 'RFC 6455 §10.4: one fragment more is refused at its header',
    client: { options: { maxFragments: FRAGMENTS } },
    script: [
      say(text('', { fin: false }), ...Array.from({ length: FRAGMENTS - 1 }, () => continuation('', { fin: false }))),
      say(frame(0, '', { announces: 10 })),
      ...failing(1009, raw('61 62 63')),
    ],
    chops: ALL_CHOPS,
    outcome: tooBig(FRAGMENTS),
  },
]

export const limits: readonly Case[] = [...bySize, ...byFragments]
