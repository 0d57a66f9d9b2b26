/** RFC 7692 §7.2: compressed messages under each set of parameters, in both directions: Autobahn's groups 12 and 13. */
import type { Content } from '../content.ts'
import {
  ALL_CHOPS,
  type Case,
  closed,
  closing,
  continuation,
  hear,
  hearPong,
  message,
  ping,
  pong,
  say,
  text,
} from '../script.ts'
import { AGREED, COMPRESSED, PARAMETER_SETS, type ParameterSet } from './parameter-sets.ts'

const SIZES = [0, 1, 16, 64, 256, 1024, 4096, 8192, 16384, 32768, 65536, 131072]
/** From this size on words are shorter when they are compressed, whatever the window. */
const COMPRESSIBLE = 64
const MANY = 300
const PIECES = 61

const compressed = { isCompressed: true }
const words = (wordsOf: number): Content => ({ wordsOf })

/** Messages of all kinds, in turns compressed and not; those that come after each other share much. */
const MIXED: readonly Content[] = [
  words(1000),
  { noiseOf: 1000 },
  words(1000),
  { textOf: 3000 },
  { bytesOf: 70_000 },
  { text: '' },
  { hex: '' },
  { noiseOf: 40_000 },
  words(40_000),
]

function casesOf({ what, options, offer, answer }: ParameterSet): readonly Case[] {
  const common = {
    client: { options: { perMessageDeflate: { ...options, threshold: 0 } }, echoes: true },
    offer,
    answer,
  }
  const many = Array.from({ length: MANY }, (_, i) => words(COMPRESSIBLE + (i % 5)))
  return [
    {
      name: `RFC 7692 §7.2: ${what}: messages of 0 to 131,072 bytes`,
      ...common,
      script: [
        ...SIZES.flatMap((size) => [
          say(message(words(size), compressed)),
          hear(words(size), size < COMPRESSIBLE ? undefined : true),
        ]),
        ...closing(),
      ],
      outcome: closed(SIZES.map(words)),
    },
    {
      name: `RFC 7692 §7.2: ${what}: ${MANY} small messages`,
      ...common,
      script: [...many.flatMap((each) => [say(message(each, compressed)), hear(each, true)]), ...closing()],
      outcome: closed(many),
    },
    {
      name: `RFC 7692 §6.1: ${what}: fragments of 256 bytes and of one, cut anywhere`,
      ...common,
      script: [
        say(message(words(65_536), { isCompressed: true, fragment: 256 })),
        hear(words(65_536), true),
        say(message(words(2_000), { isCompressed: true, fragment: 1 })),
        hear(words(2_000), true),
        ...closing(),
      ],
      chops: ['whole', PIECES],
      outcome: closed([words(65_536), words(2_000)]),
    },
    {
      name: `RFC 7692 §6: ${what}: compressed and uncompressed messages of every kind`,
      ...common,
      script: [
        ...MIXED.flatMap((content, i) => [say(message(content, { isCompressed: i % 3 < 2 })), hear(content)]),
        ...closing(),
      ],
      chops: ['whole', 4093],
      outcome: closed(MIXED),
    },
  ]
}

export const compression: readonly Case[] = [
  ...PARAMETER_SETS.flatMap(casesOf),
  {
    name: 'RFC 7692 §6.1: control frames between the fragments of a compressed message',
    ...AGREED,
    script: [
      say(
        text('one ', { ...COMPRESSED, fin: false, deflate: 'part' }),
        ping('between'),
        continuation('two ', { fin: false, deflate: 'part' }),
        pong('unasked'),
        continuation('three', { deflate: 'last' }),
      ),
      hearPong('between'),
      ...closing(),
    ],
    chops: ALL_CHOPS,
    outcome: closed([{ text: 'one two three' }]),
  },
  {
    name: 'RFC 7692 §7.2.2: text that is cut within characters between compressed fragments',
    ...AGREED,
    script: [say(message({ textOf: 200 }, { isCompressed: true, fragment: 1 })), ...closing()],
    chops: ['whole', 'octets'],
    outcome: closed([{ textOf: 200 }]),
  },
  {
    name: 'RFC 7692 §6: without an agreement nothing is compressed, although it was offered',
    client: { options: { perMessageDeflate: { threshold: 0 } }, echoes: true },
    offer: AGREED.offer,
    script: [say(message(words(4096))), hear(words(4096), false), ...closing()],
    outcome: closed([words(4096)]),
  },
  {
    name: 'RFC 7692 §6: what is shorter than the threshold of 1024 bytes goes out as it is',
    client: {
      ...AGREED.client,
      does: [{ send: words(1023) }, { send: words(1024) }, { send: words(10) }, { send: words(65_536) }],
    },
    offer: AGREED.offer,
    answer: AGREED.answer,
    script: [
      hear(words(1023), false),
      hear(words(1024), true),
      hear(words(10), false),
      hear(words(65_536), true),
      ...closing(),
    ],
    outcome: closed(),
  },
  {
    name: 'RFC 7692 §6: a message that is sent with compress: false goes out as it is, in its turn',
    client: {
      ...AGREED.client,
      does: [{ send: words(20_000) }, { send: words(30_000), compress: false }, { send: words(40_000) }],
    },
    offer: AGREED.offer,
    answer: AGREED.answer,
    script: [hear(words(20_000), true), hear(words(30_000), false), hear(words(40_000), true), ...closing()],
    outcome: closed(),
  },
  {
    name: 'RFC 7692 §6: what is sent before close leaves before the Close frame, compressed or not',
    client: {
      ...AGREED.client,
      does: [{ send: words(200_000) }, { send: { text: 'short' } }, { close: [1000, 'done'] }],
    },
    offer: AGREED.offer,
    answer: AGREED.answer,
    script: [
      hear(words(200_000), true),
      hear({ text: 'short' }, false),
      { kind: 'hear close', code: 1000, reason: 'done' },
      ...closing().filter(({ kind }) => kind !== 'hear close'),
    ],
    outcome: closed(),
  },
  {
    name: 'RFC 7692 §7.2: a compressed message of 4 MiB, there and back',
    client: { ...AGREED.client, echoes: true },
    offer: AGREED.offer,
    answer: AGREED.answer,
    script: [say(message(words(4 * 1024 * 1024), compressed)), hear(words(4 * 1024 * 1024), true), ...closing()],
    outcome: closed([words(4 * 1024 * 1024)]),
  },
]
