/** RFC 6455 §5.5.2 and §5.5.3. */
import { fromHex } from '../content.ts'
import {
  ALL_CHOPS,
  type Case,
  closed,
  closing,
  continuation,
  failed,
  failing,
  hear,
  hearPing,
  hearPong,
  PING,
  PONG,
  ping,
  pong,
  raw,
  say,
  text,
} from '../script.ts'

const PAYLOADS: readonly (readonly [what: string, payload: string | Uint8Array])[] = [
  ['nothing', ''],
  ['text', 'Hello, world!'],
  ['bytes that are no text', fromHex('00 ff fe fd fc fb 00 ff')],
  ['125 bytes', new Uint8Array(125).fill(0xfe)],
]

const answered = PAYLOADS.map(
  ([what, payload]): Case => ({
    name: `RFC 6455 §5.5.3: a Ping with ${what} is answered with the same`,
    script: [say(ping(payload)), hearPong(payload), ...closing()],
    chops: ALL_CHOPS,
    outcome: closed(),
  }),
)

const everySize = Array.from({ length: 126 }, (_, size) => new Uint8Array(size).map((_, i) => i * 7 + size))
const numbers = (count: number) => Array.from({ length: count }, (_, i) => `payload ${i}`)

const unsolicited = PAYLOADS.map(
  ([what, payload]): Case => ({
    name: `RFC 6455 §5.5.3: a Pong with ${what} that nobody asked for is not answered`,
    script: [say(pong(payload)), say(ping('alive')), hearPong('alive'), ...closing()],
    chops: ALL_CHOPS,
    outcome: closed(),
  }),
)

/** Control frames as they must not be. */
const malformed = (
  [
    ['Ping', PING],
    ['Pong', PONG],
  ] as const
).flatMap(([what, opcode]): Case[] => [
  {
    name: `RFC 6455 §5.5: a ${what} of 126 bytes is refused before its payload`,
    script: [say(raw([0x80 | opcode, 126])), ...failing(1002, raw(new Uint8Array(128).fill(0x78)))],
    chops: ['whole', 'octets'],
    outcome: failed('long-control'),
  },
  {
    name: `RFC 6455 §5.4: a ${what} that is a fragment is refused at its first byte`,
    script: [say(raw([opcode])), ...failing(1002, raw('03 61 62 63 80 03 64 65 66'))],
    chops: ['whole', 'octets'],
    outcome: failed('fragmented-control'),
  },
  {
    name: `RFC 6455 §5.4: an empty ${what} that is a fragment, in the middle of a message`,
    script: [say(text('begun', { fin: false }), raw([opcode])), ...failing(1002, raw('00'), continuation('ended'))],
    chops: ALL_CHOPS,
    outcome: failed('fragmented-control'),
  },
])

export const pings: readonly Case[] = [
  ...answered,
  ...unsolicited,
  ...malformed,
  {
    name: 'RFC 6455 §5.5.2: Pings of every size from 0 to 125 are answered, one by one',
    script: [...everySize.flatMap((payload) => [say(ping(payload)), hearPong(payload)]), ...closing()],
    chops: ['whole', 7],
    outcome: closed(),
  },
  {
    name: 'RFC 6455 §5.5.2: ten Pings that come together are answered in order',
    script: [say(...numbers(10).map((each) => ping(each))), ...numbers(10).map((each) => hearPong(each)), ...closing()],
    chops: ALL_CHOPS,
    outcome: closed(),
  },
  {
    name: 'RFC 6455 §5.5.2: four hundred Pings that come together are answered in order',
    script: [
      say(...numbers(400).map((each) => ping(each))),
      ...numbers(400).map((each) => hearPong(each)),
      ...closing(),
    ],
    chops: ['whole', 13],
    outcome: closed(),
  },
  {
    name: 'RFC 6455 §5.5.3: ten Pongs that nobody asked for, between them Pings',
    script: [
      ...numbers(10).flatMap((each) => [say(pong(each), ping(`ping ${each}`)), hearPong(`ping ${each}`)]),
      ...closing(),
    ],
    chops: ['whole', 'octets'],
    outcome: closed(),
  },
  {
    name: 'RFC 6455 §5.5.2: a Ping between two messages',
    client: { echoes: true },
    script: [
      say(text('one')),
      hear({ text: 'one' }),
      say(ping('between')),
      hearPong('between'),
      say(text('two')),
      hear({ text: 'two' }),
      ...closing(),
    ],
    chops: ALL_CHOPS,
    outcome: closed([{ text: 'one' }, { text: 'two' }]),
  },
  {
    name: "RFC 6455 §5.5.3: the client's Ping is answered by the Pong with its payload, and by no other",
    client: { does: [{ ping: 'mine' }] },
    script: [hearPing('mine'), say(pong('not yours'), pong()), say(pong('mine')), say(text('after')), ...closing()],
    chops: ALL_CHOPS,
    outcome: { ...closed([{ text: 'after' }]), pongs: 1 },
  },
  {
    name: "RFC 6455 §5.5.3: a Pong to the last of the client's Pings answers those before it",
    client: { does: [{ ping: 'a' }, { ping: 'b' }, { ping: 'c' }] },
    script: [hearPing('a'), hearPing('b'), hearPing('c'), say(pong('c')), ...closing()],
    chops: ALL_CHOPS,
    outcome: { ...closed(), pongs: 3 },
  },
  {
    name: "RFC 6455 §5.5.3: without a Pong the client's Ping is not answered",
    client: { does: [{ ping: 'mine' }] },
    script: [hearPing('mine'), say(pong('other')), ...closing()],
    outcome: closed(),
  },
]
