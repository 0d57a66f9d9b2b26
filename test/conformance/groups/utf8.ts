/** RFC 6455 §8.1: text is UTF-8 (RFC 3629), and a client fails the connection at the first byte that is not. */
import { bytesOf, type Content, fromHex, toHex } from '../content.ts'
import {
  ALL_CHOPS,
  type Case,
  closed,
  closing,
  continuation,
  type FrameOptions,
  failed,
  failing,
  frame,
  hear,
  hearPong,
  type Item,
  ping,
  RSV1,
  raw,
  say,
  TEXT,
  text,
} from '../script.ts'
import { AGREED } from './parameter-sets.ts'

/** Text that is valid: what it is, and its bytes. */
const VALID: readonly (readonly [what: string, hex: string])[] = [
  ['Hello-µ@ßöäüàá-UTF-8!!', toHex(bytesOf({ text: 'Hello-µ@ßöäüàá-UTF-8!!' }))],
  ['κόσμε', 'ce ba e1 bd b9 cf 83 ce bc ce b5'],
  ['the first of one byte, U+0000', '00'],
  ['the first of two bytes, U+0080', 'c2 80'],
  ['the first of three bytes, U+0800', 'e0 a0 80'],
  ['the first of four bytes, U+10000', 'f0 90 80 80'],
  ['the last of one byte, U+007F', '7f'],
  ['the last of two bytes, U+07FF', 'df bf'],
  ['the last of three bytes, U+FFFF', 'ef bf bf'],
  ['the last of all, U+10FFFF', 'f4 8f bf bf'],
  ['the last before the surrogates, U+D7FF', 'ed 9f bf'],
  ['the first behind the surrogates, U+E000', 'ee 80 80'],
  ['the replacement character, U+FFFD', 'ef bf bd'],
  ['the byte order mark, U+FEFF', 'ef bb bf'],
  ['characters of every length', '61 c3 a9 e2 82 ac f0 9f 98 80 7a'],
]

/** Non-characters are valid: the last two of each plane, and U+FDD0–U+FDEF. */
const NON_CHARACTERS = [
  ...Array.from({ length: 17 }, (_, plane) => [plane * 0x10000 + 0xfffe, plane * 0x10000 + 0xffff]).flat(),
  0xfdd0,
  0xfdef,
].map((codePoint): Content => ({ text: String.fromCodePoint(codePoint) }))

/** Text that is not: what it is, the good bytes before, the first bad one, and what would follow. */
type Invalid = readonly [what: string, good: string, bad: string, rest: string]
const KOSME = 'ce ba e1 bd b9 cf 83 ce bc ce b5'

const INVALID: readonly Invalid[] = [
  // Autobahn's 6.3 and 6.4: a bad character between good ones.
  ['a surrogate behind a word', `${KOSME} ed`, 'a0', '80 65 64 69 74 65 64'],
  ['a character above U+10FFFF behind a word', `${KOSME} f4`, '90', '80 80 65 64 69 74 65 64'],
  // 6.8 and 6.10: forms of five and six bytes, and above the last character.
  ['five bytes, the first', '', 'f8', '88 80 80 80'],
  ['six bytes, the first', '', 'fc', '84 80 80 80 80'],
  ['four bytes above U+10FFFF, the last', '', 'f7', 'bf bf bf'],
  ['five bytes, the last', '', 'fb', 'bf bf bf bf'],
  ['six bytes, the last', '', 'fd', 'bf bf bf bf bf'],
  ['U+110000', 'f4', '90', '80 80'],
  ['above U+13FFFF', '', 'f5', '80 80 80'],
  // 6.12: continuations that continue nothing.
  ['a continuation alone, the first', '', '80', ''],
  ['a continuation alone, the last', '', 'bf', ''],
  ['two continuations', '', '80', 'bf'],
  ['a continuation behind a character', '61', '80', '61'],
  ['a third continuation', 'e2 82 ac', '80', '61'],
  ['all continuations', '', '80', Array.from({ length: 63 }, (_, i) => (0x81 + i).toString(16)).join(' ')],
  // 6.13: lead bytes that nothing continues.
  ['the lead of two bytes and a space', 'c3', '20', 'c3 20'],
  ['the lead of three bytes and a space', 'e2', '20', 'e2 20'],
  ['the lead of four bytes and a space', 'f1', '20', 'f1 20'],
  ['the lead of five bytes and a space', '', 'f8', '20 f9 20'],
  ['the lead of six bytes and a space', '', 'fc', '20 fd 20'],
  // 6.14: the last byte is missing, and something else comes.
  ['three bytes without the last', 'e2 82', '61', ''],
  ['four bytes without the last', 'f0 9f 98', '61', ''],
  ['four bytes without the last two', 'f0 9f', '61', ''],
  ['a lead behind a lead', 'c3', 'c3', 'a9'],
  ['a lead inside three bytes', 'e2 82', 'e2', '82 ac'],
  ['a lead inside four bytes', 'f0 9f 98', 'f0', '9f 98 80'],
  // 6.16: bytes that never are.
  ['fe', '', 'fe', ''],
  ['ff', '', 'ff', ''],
  ['fe fe ff ff', '', 'fe', 'fe ff ff'],
  // 6.17 to 6.19: longer than needed.
  ['a slash in two bytes', '', 'c0', 'af'],
  ['a slash in three bytes', 'e0', '80', 'af'],
  ['a slash in four bytes', 'f0', '80', '80 af'],
  ['a slash in five bytes', '', 'f8', '80 80 80 af'],
  ['a slash in six bytes', '', 'fc', '80 80 80 80 af'],
  ['U+007F in two bytes', '', 'c1', 'bf'],
  ['U+07FF in three bytes', 'e0', '9f', 'bf'],
  ['U+FFFF in four bytes', 'f0', '8f', 'bf bf'],
  ['U+1FFFFF in five bytes', '', 'f8', '87 bf bf bf'],
  ['U+3FFFFFF in six bytes', '', 'fc', '83 bf bf bf bf'],
  ['U+0000 in two bytes', '', 'c0', '80'],
  ['U+0000 in three bytes', 'e0', '80', '80'],
  ['U+0000 in four bytes', 'f0', '80', '80 80'],
  ['U+0000 in five bytes', '', 'f8', '80 80 80 80'],
  ['U+0000 in six bytes', '', 'fc', '80 80 80 80 80'],
  // 6.20 and 6.21: surrogates, alone and in pairs.
  ['U+D800', 'ed', 'a0', '80'],
  ['U+DB7F', 'ed', 'ad', 'bf'],
  ['U+DB80', 'ed', 'ae', '80'],
  ['U+DBFF', 'ed', 'af', 'bf'],
  ['U+DC00', 'ed', 'b0', '80'],
  ['U+DF80', 'ed', 'be', '80'],
  ['U+DFFF', 'ed', 'bf', 'bf'],
  ['U+D800 U+DC00', 'ed', 'a0', '80 ed b0 80'],
  ['U+D800 U+DFFF', 'ed', 'a0', '80 ed bf bf'],
  ['U+DB7F U+DC00', 'ed', 'ad', 'bf ed b0 80'],
  ['U+DBFF U+DFFF', 'ed', 'af', 'bf ed bf bf'],
  // Behind more good text than a vector holds.
  ['ff behind 100 characters of text', toHex(bytesOf({ textOf: 100 })), 'ff', '61'],
  ['a surrogate behind 100 characters of ASCII', `${'61'.repeat(100)} ed`, 'a0', '80'],
]

/** Text that ends within a character: what it is, and its bytes. */
const TRUNCATED: readonly (readonly [what: string, hex: string])[] = [
  ['κόσμε without its last byte', KOSME.slice(0, -3)],
  ['κόσμε up to the first byte of its second character', 'ce ba e1'],
  ['κόσμε up to the second byte of its second character', 'ce ba e1 bd'],
  ['one byte of two', 'c2'],
  ['one byte of three', 'e0'],
  ['two bytes of three', 'e2 82'],
  ['one byte of four', 'f4'],
  ['two bytes of four', 'f0 9f'],
  ['three bytes of four', 'f0 9f 98'],
]

const bytewise = (bytes: Uint8Array, isLast: boolean, first: FrameOptions = {}): readonly Item[] =>
  Array.from(bytes, (byte, i): Item => {
    const fin = isLast && i === bytes.length - 1
    return i === 0 ? frame(TEXT, Uint8Array.of(byte), { ...first, fin }) : continuation(Uint8Array.of(byte), { fin })
  })

const valid = VALID.flatMap(([what, hex]): Case[] => {
  const bytes = fromHex(hex)
  const content: Content = { text: new TextDecoder('utf-8', { ignoreBOM: true }).decode(bytes) }
  const cuts = Array.from({ length: bytes.length + 1 }, (_, at) => at)
  return [
    {
      name: `RFC 6455 §8.1: ${what}, in one frame and in one for each byte`,
      client: { echoes: true },
      script: [say(text(bytes)), hear(content), say(...bytewise(bytes, true)), hear(content), ...closing()],
      chops: ALL_CHOPS,
      outcome: closed([content, content]),
    },
    {
      name: `RFC 6455 §5.4: ${what}, in two fragments cut at each byte, a Ping between`,
      client: { echoes: true },
      script: [
        ...cuts.flatMap((at) => [
          say(text(bytes.subarray(0, at), { fin: false }), ping(`${at}`)),
          hearPong(`${at}`),
          say(continuation(bytes.subarray(at))),
          hear(content),
        ]),
        ...closing(),
      ],
      chops: ['whole', 'octets'],
      outcome: closed(cuts.map(() => content)),
    },
  ]
})

/** More than is said of a frame that is never completed. */
const ANNOUNCED = 1000

const invalid = INVALID.flatMap(([what, good, bad, rest]): Case[] => {
  const until = fromHex(`${good} ${bad}`)
  const after = fromHex(rest)
  const outcome = failed('invalid-utf8', [], 1007)
  return [
    {
      name: `RFC 6455 §8.1: ${what}: refused at the bad byte, in one frame`,
      script: [
        say(frame(TEXT, until, { announces: until.length + after.length })),
        ...failing(1007, raw(after), text('more')),
      ],
      chops: ALL_CHOPS,
      outcome,
    },
    {
      name: `RFC 6455 §8.1: ${what}: refused at the bad byte, in one frame for each byte`,
      script: [say(...bytewise(until, false)), ...failing(1007, continuation(after), text('more'))],
      chops: ['whole', 'octets'],
      outcome,
    },
    {
      name: `RFC 7692 §6: ${what}: refused at the bad byte, inside a compressed frame`,
      ...AGREED,
      // What is flushed has been said, although the frame goes on.
      script: [
        say(frame(TEXT, '', { rsv: RSV1, announces: ANNOUNCED }), raw(until, 'part')),
        ...failing(1007, raw(after, 'part')),
      ],
      chops: ALL_CHOPS,
      outcome,
    },
    {
      name: `RFC 7692 §6: ${what}: refused at the bad byte, in compressed fragments`,
      ...AGREED,
      script: [
        say(text(fromHex(good), { fin: false, rsv: RSV1, deflate: 'part' })),
        say(continuation(fromHex(bad), { fin: false, deflate: 'part' })),
        ...failing(1007, continuation(after, { deflate: 'last' })),
      ],
      chops: ['whole', 'octets'],
      outcome,
    },
  ]
})

const truncated = TRUNCATED.flatMap(([what, hex]): Case[] => {
  const bytes = fromHex(hex)
  const outcome = failed('invalid-utf8', [], 1007)
  return [
    {
      name: `RFC 6455 §8.1: ${what}, where the message ends`,
      script: [say(text(bytes)), ...failing(1007, text('more'))],
      chops: ALL_CHOPS,
      outcome,
    },
    {
      name: `RFC 6455 §8.1: ${what}, where the message ends, in one frame for each byte`,
      script: [say(...bytewise(bytes, true)), ...failing(1007, text('more'))],
      chops: ['whole', 'octets'],
      outcome,
    },
    {
      name: `RFC 6455 §8.1: ${what} may end a fragment, but not an empty last one`,
      script: [
        say(text(bytes, { fin: false }), ping('so far')),
        hearPong('so far'),
        say(continuation('')),
        ...failing(1007, text('more')),
      ],
      chops: ALL_CHOPS,
      outcome,
    },
    {
      name: `RFC 7692 §6: ${what}, where the compressed message ends`,
      ...AGREED,
      script: [say(text(bytes, { rsv: RSV1, deflate: 'last' })), ...failing(1007, text('more'))],
      chops: ALL_CHOPS,
      outcome,
    },
  ]
})

export const utf8: readonly Case[] = [
  ...valid,
  {
    name: 'RFC 6455 §8.1: non-characters are valid',
    client: { echoes: true },
    script: [...NON_CHARACTERS.flatMap((content) => [say(text(content)), hear(content)]), ...closing()],
    chops: ALL_CHOPS,
    outcome: closed(NON_CHARACTERS),
  },
  ...invalid,
  ...truncated,
  {
    name: 'RFC 6455 §8.1: a bad byte after a good message, which is received',
    script: [say(text('good'), frame(TEXT, fromHex('61 ff'), { announces: 100 })), ...failing(1007, raw('61'))],
    chops: ALL_CHOPS,
    outcome: failed('invalid-utf8', [{ text: 'good' }], 1007),
  },
  {
    name: 'RFC 6455 §8.1: the text of one message does not go on in the next',
    script: [say(text(fromHex('c3'))), ...failing(1007, text(fromHex('a9')))],
    chops: ALL_CHOPS,
    outcome: failed('invalid-utf8', [], 1007),
  },
  {
    name: 'RFC 6455 §8.1: a bad byte in the last KiB of a message of 1 MiB is refused before its end',
    script: [
      say(frame(TEXT, { textOf: 1_047_552 }, { announces: 1_048_576 }), raw('ff')),
      ...failing(1007, raw(new Uint8Array(1023))),
    ],
    chops: ['whole', 4093],
    outcome: failed('invalid-utf8', [], 1007),
  },
]
