/** RFC 7692 §7.2.2 and §7.2.3: what inflates, in every form that deflate has, and what does not. */
import { fromHex } from '../content.ts'
import {
  ALL_CHOPS,
  BINARY,
  type Case,
  CONTINUATION,
  close,
  closed,
  closing,
  continuation,
  failed,
  failing,
  frame,
  hearPong,
  type Item,
  message,
  ping,
  pong,
  RSV1,
  raw,
  say,
  TEXT,
  text,
  tooBig,
} from '../script.ts'
import { AGREED, COMPRESSED, OFFER } from './parameter-sets.ts'

const NOT_DEFLATE = 'invalid-deflate'
const invalidData = (messages: readonly string[] = []) =>
  failed(
    NOT_DEFLATE,
    messages.map((each) => ({ text: each })),
    1007,
  )

/** A compressed text message whose payload is given as it is on the wire. */
const deflated = (hex: string) => text(fromHex(hex), COMPRESSED)

const HELLO = 'f2 48 cd c9 c9 07 00'
/** "Hello" as a reference to itself, five bytes before (§7.2.3.2). */
const AGAIN = 'f2 00 11 00 00'

/** Payloads as RFC 7692 §7.2.3 shows them, and others that it allows. */
const FORMS: readonly (readonly [what: string, hex: string, text: string])[] = [
  ['one block (§7.2.3.1)', HELLO, 'Hello'],
  ['a block without compression (§7.2.3.3)', '00 05 00 fa ff 48 65 6c 6c 6f 00', 'Hello'],
  ['two blocks (§7.2.3.5)', 'f2 48 05 00 00 00 ff ff ca c9 c9 07 00', 'Hello'],
  ['an empty block without compression (§7.2.3.6)', '00', ''],
  ['many empty blocks', '00 00 00 ff ff 00 00 00 ff ff 00 00 00 ff ff 00', ''],
]

/** Those that zlib takes for the end of all. */
const FINAL_FORMS: typeof FORMS = [
  ['a block with BFINAL set (§7.2.3.4)', 'f3 48 cd c9 c9 07 00 00', 'Hello'],
  ['an empty block with BFINAL set', '03 00 00', ''],
  ['a block with BFINAL set, and another behind it', `f3 48 cd c9 c9 07 00 ${HELLO}`, 'HelloHello'],
  ['two blocks with BFINAL set', 'f3 48 cd c9 c9 07 00 f3 48 cd c9 c9 07 00 00', 'HelloHello'],
  ['a block without compression with BFINAL set', '01 05 00 fa ff 48 65 6c 6c 6f 00', 'Hello'],
]

/** A form between other messages; `last` is "Hello" in a form that has to work behind it. */
const caseOf =
  (last: string) =>
  ([what, hex, content]: (typeof FORMS)[number]): Case => ({
    name: `RFC 7692 §7.2.3: ${what}, between other messages${last === AGAIN ? ', the last of which reaches back' : ''}`,
    ...AGREED,
    script: [say(deflated(HELLO), deflated(hex), text('plain'), deflated(last)), ...closing()],
    chops: ALL_CHOPS,
    outcome: closed([{ text: 'Hello' }, { text: content }, { text: 'plain' }, { text: 'Hello' }]),
  })

const forms = [
  ...FORMS.map(caseOf(AGAIN)),
  ...FINAL_FORMS.flatMap((form) => [caseOf(HELLO)(form), caseOf(AGAIN)(form)]),
]

/** What cannot be inflated: what it is, the bytes up to the first that shows it, and the rest. */
const CORRUPT: readonly (readonly [what: string, bad: string, rest: string])[] = [
  ['a block of the reserved type', 'ff', 'ff ff'],
  ['a block of the reserved type behind good data', 'f2 48 cd c9 c9 07 00 00 00 ff ff 06', '00'],
  ['a block without compression whose lengths do not agree', '00 05 00 05 00', '48 65 6c 6c 6f 00'],
  ['a reference to before the first byte', 'f2 00 11 00', '00'],
]

const corrupt = CORRUPT.flatMap(([what, bad, rest]): Case[] => [
  {
    name: `RFC 7692 §7.2.2: ${what}: refused although the frame goes on`,
    ...AGREED,
    script: [
      say(text('good'), frame(TEXT, fromHex(bad), { ...COMPRESSED, announces: 1000 })),
      ...failing(1007, raw(rest)),
    ],
    chops: ALL_CHOPS,
    outcome: invalidData(['good']),
  },
  {
    name: `RFC 7692 §7.2.2: ${what}: refused although there are more fragments`,
    ...AGREED,
    script: [
      say(frame(BINARY, fromHex(bad), { ...COMPRESSED, fin: false })),
      ...failing(1007, continuation(fromHex(rest)), text('more')),
    ],
    chops: ALL_CHOPS,
    outcome: invalidData(),
  },
  {
    name: `RFC 7692 §7.2.2: ${what}: refused in a frame that is complete`,
    ...AGREED,
    script: [say(text('Hello'), frame(BINARY, fromHex(bad), COMPRESSED)), ...failing(1007, text('more'))],
    chops: ['whole', 'octets'],
    outcome: invalidData(['Hello']),
  },
])

/** Messages that end within a block. */
const TRUNCATED: readonly (readonly [what: string, hex: string])[] = [
  ['a block without compression that lacks its last bytes', '00 05 00 fa ff 48 65 6c'],
  ['a block without compression that lacks its content', '00 05 00 fa ff'],
  ['a block without compression that lacks a length', '00 05'],
  ['a compressed block that lacks its last byte', 'f2 48 cd c9 c9 07'],
  ['a compressed block that lacks its last two bytes', 'f2 48 cd c9 c9'],
  ['a compressed block that lacks most of it', 'f2 48'],
  // The four bytes that follow every message are no block by themselves: after BFINAL another has to begin (§7.2.3.4).
  ['a block with BFINAL set and nothing behind it', 'f3 48 cd c9 c9 07 00'],
  ['a block without compression with BFINAL set and nothing behind it', '01 05 00 fa ff 48 65 6c 6c 6f'],
]

const truncated = TRUNCATED.map(
  ([what, hex]): Case => ({
    name: `RFC 7692 §7.2.2: ${what}`,
    ...AGREED,
    script: [say(frame(BINARY, fromHex(hex), COMPRESSED)), ...failing(1007, text('more'))],
    chops: ['whole', 'octets'],
    outcome: invalidData(),
  }),
)

const BEGUN = text('begun ', { ...COMPRESSED, fin: false, deflate: 'part' })

/** Where RSV1 means nothing, and the other two everywhere (RFC 7692 §6). */
const BITS: readonly (readonly [what: string, before: readonly Item[], bad: Item])[] = [
  ['RSV1 on a Ping', [], ping('hello', { rsv: RSV1 })],
  ['RSV1 on a Pong', [], pong('hello', { rsv: RSV1 })],
  ['RSV1 on a Close frame', [], close(1000, 'bye', { rsv: RSV1 })],
  ['RSV1 on a Ping inside a compressed message', [BEGUN], ping('hello', { rsv: RSV1 })],
  ['RSV1 on a continuation of a compressed message', [BEGUN], continuation('ended', { rsv: RSV1 })],
  [
    'RSV1 on a continuation of an uncompressed message',
    [text('begun ', { fin: false })],
    continuation('ended', { rsv: RSV1 }),
  ],
  ...[1, 2, 3, 5, 6, 7].map(
    (rsv) => [`reserved bits ${rsv} on a text frame`, [], frame(TEXT, 'hello', { rsv })] as const,
  ),
  ...[1, 2, 3, 5, 6, 7].map(
    (rsv) => [`reserved bits ${rsv} on a continuation`, [BEGUN], frame(CONTINUATION, 'hello', { rsv })] as const,
  ),
]

const bits = BITS.map(
  ([what, before, bad]): Case => ({
    name: `RFC 7692 §6: ${what}, where deflate was agreed`,
    ...AGREED,
    script: [say(...before, bad), ...failing(1002, text('more'))],
    chops: ['whole', 'octets'],
    outcome: failed('reserved-bits'),
  }),
)

const LIMIT = 100_000
const limited = {
  ...AGREED,
  client: { options: { ...AGREED.client.options, maxMessageSize: LIMIT } },
} as const satisfies Partial<Case>
const BOMB = new Uint8Array(16 * 1024 * 1024)

const limits: readonly Case[] = [
  {
    name: 'RFC 7692 §8: a message that inflates to exactly maxMessageSize is received, again and again',
    ...limited,
    script: [
      ...[1, 2, 3].map(() => say(message({ wordsOf: LIMIT }, { isCompressed: true, fragment: 1000 }))),
      ...closing(),
    ],
    chops: ['whole', 997],
    outcome: closed([{ wordsOf: LIMIT }, { wordsOf: LIMIT }, { wordsOf: LIMIT }]),
  },
  {
    name: 'RFC 7692 §8: a message that inflates to one byte more is refused',
    ...limited,
    script: [say(message({ wordsOf: LIMIT + 1 }, { isCompressed: true })), ...failing(1009, text('more'))],
    chops: ['whole', 997],
    outcome: tooBig(LIMIT),
  },
  {
    name: 'RFC 7692 §8: a message that inflates to 16 MiB is refused before its end',
    ...limited,
    script: [
      say(frame(BINARY, '', { ...COMPRESSED, announces: LIMIT }), raw(BOMB, 'part')),
      ...failing(1009, raw(new Uint8Array(10))),
    ],
    chops: ['whole', 61],
    outcome: tooBig(LIMIT),
  },
  {
    name: 'RFC 7692 §8: fragments that together inflate to more than maxMessageSize are refused before the last',
    ...limited,
    script: [
      say(frame(BINARY, { wordsOf: 60_000 }, { ...COMPRESSED, fin: false, deflate: 'part' }), ping('so far')),
      hearPong('so far'),
      say(continuation({ wordsOf: 60_000 }, { fin: false, deflate: 'part' })),
      ...failing(1009, continuation('', { deflate: 'last' })),
    ],
    chops: ['whole', 61],
    outcome: tooBig(LIMIT),
  },
]

export const deflateData: readonly Case[] = [
  ...forms,
  {
    name: 'RFC 7692 §7.2.3.1: two fragments, the second without RSV1',
    ...AGREED,
    script: [
      say(text(fromHex('f2 48 cd'), { ...COMPRESSED, fin: false }), continuation(fromHex('c9 c9 07 00'))),
      ...closing(),
    ],
    chops: ALL_CHOPS,
    outcome: closed([{ text: 'Hello' }]),
  },
  {
    name: 'RFC 7692 §6.1: empty fragments at the beginning and the end of a compressed message',
    ...AGREED,
    script: [
      say(text('', { ...COMPRESSED, fin: false }), continuation(fromHex(HELLO), { fin: false }), continuation('')),
      say(text('', { ...COMPRESSED, fin: false }), continuation(fromHex('00'))),
      ...closing(),
    ],
    chops: ALL_CHOPS,
    outcome: closed([{ text: 'Hello' }, { text: '' }]),
  },
  {
    name: 'RFC 7692 §7.2.3.2: the second of two equal messages refers to the first',
    ...AGREED,
    script: [say(deflated(HELLO), deflated(AGAIN)), ...closing()],
    chops: ALL_CHOPS,
    outcome: closed([{ text: 'Hello' }, { text: 'Hello' }]),
  },
  {
    name: 'RFC 7692 §7.1.1.1: it must not when the server was to take nothing over',
    client: { options: { perMessageDeflate: { serverContextTakeover: false } } },
    offer: `${OFFER}; server_no_context_takeover`,
    answer: 'permessage-deflate; server_no_context_takeover',
    script: [say(deflated(HELLO), deflated(AGAIN)), ...failing(1007, text('more'))],
    chops: ALL_CHOPS,
    outcome: invalidData(['Hello']),
  },
  {
    name: 'RFC 7692 §6: an uncompressed message does not enter the window',
    ...AGREED,
    script: [say(text('Hello'), deflated(AGAIN)), ...failing(1007, text('more'))],
    chops: ALL_CHOPS,
    outcome: invalidData(['Hello']),
  },
  {
    name: 'RFC 7692 §6: Close in the middle of a compressed message',
    ...AGREED,
    script: [say(text('begun', { ...COMPRESSED, fin: false, deflate: 'part' })), ...closing()],
    chops: ALL_CHOPS,
    outcome: closed(),
  },
  {
    name: 'RFC 7692 §6: Close right behind compressed messages, which are received',
    ...AGREED,
    script: [
      say(message({ wordsOf: 200_000 }, { isCompressed: true }), deflated('00'), close(1000)),
      ...closing().slice(1),
    ],
    chops: ['whole', 997],
    outcome: closed([{ wordsOf: 200_000 }, { text: '' }]),
  },
  ...corrupt,
  ...truncated,
  ...bits,
  ...limits,
]
