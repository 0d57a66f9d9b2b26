/**
 * RFC 6455 §5.2: "the minimal number of bytes MUST be used to encode the length", and its most significant bit is 0.
 */
import {
  ALL_CHOPS,
  BINARY,
  type Case,
  CONTINUATION,
  closed,
  closing,
  type FrameOptions,
  failed,
  failing,
  frame,
  hear,
  PING,
  PONG,
  raw,
  say,
  TEXT,
  text,
  tooBig,
} from '../script.ts'

/** A header of this form without its payload. */
const header = (opcode: number, announces: number | bigint, form: 16 | 64, options: FrameOptions = {}) =>
  frame(opcode, '', { ...options, announces, form })

/** The message that a continuation continues. */
const begun = (opcode: number) => (opcode === CONTINUATION ? [text('begun ', { fin: false })] : [])

const DATA = [
  ['text', TEXT],
  ['binary', BINARY],
  ['continuation', CONTINUATION],
] as const

/** No more of a payload is sent once its frame has been refused. */
const REST = 200

const TOO_LONG_FORMS: readonly (readonly [form: 16 | 64, length: number])[] = [
  [16, 0],
  [16, 1],
  [16, 125],
  [64, 0],
  [64, 1],
  [64, 125],
  [64, 126],
  [64, 65535],
]

const notMinimal = DATA.flatMap(([type, opcode]) =>
  TOO_LONG_FORMS.map(
    ([form, length]): Case => ({
      name: `RFC 6455 §5.2: the length of a ${type} frame, ${length}, must not take ${form} bits`,
      script: [
        say(...begun(opcode), header(opcode, length, form)),
        ...failing(1002, raw(new Uint8Array(Math.min(length, REST)))),
      ],
      chops: ALL_CHOPS,
      outcome: failed('length-not-minimal'),
    }),
  ),
)

const NEGATIVE = [2n ** 63n, 2n ** 63n + 1n, 2n ** 63n + 65536n, 2n ** 64n - 1n]

const negative = DATA.flatMap(([type, opcode]) =>
  NEGATIVE.map(
    (length): Case => ({
      name: `RFC 6455 §5.2: the length of a ${type} frame must not be ${length}, which needs the 64th bit`,
      script: [say(...begun(opcode), header(opcode, length, 64)), ...failing(1002, raw('00 00 00'))],
      chops: ALL_CHOPS,
      outcome: failed('length-too-large'),
    }),
  ),
)

/** The default of maxMessageSize. */
const LIMIT = 64 * 1024 * 1024
const HUGE = [
  BigInt(LIMIT) + 1n,
  2n ** 31n - 1n,
  2n ** 31n,
  2n ** 32n - 1n,
  2n ** 32n,
  2n ** 32n + 1n,
  2n ** 53n - 1n,
  2n ** 53n + 1n,
  2n ** 62n,
  2n ** 63n - 1n,
]

const huge = DATA.flatMap(([type, opcode]) =>
  HUGE.map(
    (length): Case => ({
      name: `RFC 6455 §10.4: a ${type} frame that announces ${length} bytes is refused before any of them has come`,
      script: [say(...begun(opcode), header(opcode, length, 64)), ...failing(1009, raw('00 00 00'))],
      chops: ALL_CHOPS,
      outcome: tooBig(LIMIT),
    }),
  ),
)

const controls = [PING, PONG].flatMap((opcode) =>
  ([16, 64] as const).map(
    (form): Case => ({
      name: `RFC 6455 §5.5: the length of a control frame (opcode ${opcode}) has no ${form} bits`,
      script: [say(raw([0x80 | opcode, form === 16 ? 126 : 127])), ...failing(1002, raw('00 00 00 00 00 00 00 05'))],
      chops: ALL_CHOPS,
      outcome: failed('long-control'),
    }),
  ),
)

export const lengths: readonly Case[] = [
  ...notMinimal,
  ...negative,
  ...huge,
  ...controls,
  {
    name: 'RFC 6455 §5.2: the shortest lengths that may take 16 and 64 bits',
    client: { echoes: true },
    script: [
      say(frame(BINARY, { bytesOf: 126 }, { form: 16 })),
      hear({ bytesOf: 126 }),
      say(frame(BINARY, { bytesOf: 65536 }, { form: 64 })),
      hear({ bytesOf: 65536 }),
      ...closing(),
    ],
    chops: ['whole', 61],
    outcome: closed([{ bytesOf: 126 }, { bytesOf: 65536 }]),
  },
]
