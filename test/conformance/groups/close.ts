/** RFC 6455 §5.5.1, §7.1 and §7.4: closing, from either side and in every order. */
import { bytesOf, fromHex } from '../content.ts'
import {
  ALL_CHOPS,
  type Case,
  CLOSE,
  close,
  closed,
  closing as closingSteps,
  continuation,
  end,
  failed,
  failing,
  frame,
  hear,
  hearClose,
  hearEnd,
  hearPong,
  type Item,
  lost,
  ping,
  raw,
  say,
  text,
} from '../script.ts'

const VALID = [1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 1012, 1013, 1014, 3000, 3999, 4000, 4999]
const INVALID = [0, 1, 999, 1004, 1005, 1006, 1015, 1016, 1100, 2000, 2999, 5000, 9999, 32768, 65535]

const codes: readonly Case[] = [
  ...VALID.map(
    (code): Case => ({
      name: `RFC 6455 §7.4: the server closes with ${code}, and hears it back`,
      script: [say(close(code, 'bye')), hearClose(code), end, hearEnd],
      chops: ALL_CHOPS,
      outcome: closed([], code, 'bye'),
    }),
  ),
  ...INVALID.map(
    (code): Case => ({
      name: `RFC 6455 §7.4: ${code} is no code to close with`,
      script: [say(close(code, 'bye')), ...failing(1002, text('more'))],
      chops: ALL_CHOPS,
      outcome: failed('invalid-close-code'),
    }),
  ),
  ...VALID.map(
    (code): Case => ({
      name: `RFC 6455 §7.1.2: the client closes with ${code}, and the server answers`,
      client: { does: [{ close: [code, `reason ${code}`] }] },
      script: [hearClose(code, `reason ${code}`), say(close(code)), end, hearEnd],
      chops: ALL_CHOPS,
      outcome: closed([], code),
    }),
  ),
]

const euros = '€'.repeat(41)

const reasons: readonly Case[] = [
  ...['', 'x', 'x'.repeat(122), 'x'.repeat(123), euros, '\u{feff}mark'].map(
    (reason): Case => ({
      name: `RFC 6455 §5.5.1: a reason of ${bytesOf({ text: reason }).length} bytes${reason.startsWith('x') ? '' : ` (${reason.slice(0, 5)})`}`,
      script: [say(close(1000, reason)), hearClose(1000), end, hearEnd],
      chops: ALL_CHOPS,
      outcome: closed([], 1000, reason),
    }),
  ),
  ...['x'.repeat(123), euros].map(
    (reason): Case => ({
      name: `RFC 6455 §5.5.1: the client closes with the longest reason (${reason.slice(0, 3)}…)`,
      client: { does: [{ close: [4000, reason] }] },
      script: [hearClose(4000, reason), say(close(4001, reason)), end, hearEnd],
      outcome: closed([], 4001, reason),
    }),
  ),
  ...(
    [
      ['a lone continuation', '80'],
      ['a surrogate', 'ed a0 80'],
      ['a slash in two bytes', 'c0 af'],
      ['a character above U+10FFFF', 'f4 90 80 80'],
      ['ff behind good text', '61 62 63 ff'],
      ['half of a character at its end', '61 e2 82'],
    ] as const
  ).map(
    ([what, hex]): Case => ({
      name: `RFC 6455 §5.5.1: a reason that is not UTF-8: ${what}`,
      script: [say(close(1000, fromHex(hex))), ...failing(1007, text('more'))],
      chops: ALL_CHOPS,
      outcome: failed('invalid-close-reason', [], 1007),
    }),
  ),
]

const payloads: readonly Case[] = [
  {
    name: 'RFC 6455 §7.1.5: a Close frame without a code is answered without one',
    script: closingWithoutCode(),
    chops: ALL_CHOPS,
    outcome: closed([], 1005),
  },
  {
    name: 'RFC 6455 §5.5.1: a Close frame with one byte is refused at its length',
    script: [say(raw('88 01')), ...failing(1002, raw('03'))],
    chops: ['whole', 'octets'],
    outcome: failed('short-close'),
  },
  {
    name: 'RFC 6455 §5.5: a Close frame of 126 bytes is refused at its length',
    script: [say(raw('88 7e')), ...failing(1002, raw('00 7e 03 e8'), raw(new Uint8Array(124)))],
    chops: ['whole', 'octets'],
    outcome: failed('long-control'),
  },
  {
    name: 'RFC 6455 §5.4: a Close frame that is a fragment is refused at its first byte',
    script: [say(raw('08')), ...failing(1002, raw('02 03 e8'))],
    chops: ['whole', 'octets'],
    outcome: failed('fragmented-control'),
  },
]

function closingWithoutCode(): Case['script'] {
  return [say(close()), hearClose(undefined), end, hearEnd]
}

/** What a server sends behind its Close frame is not there for the client (RFC 6455 §5.5.1). */
const AFTER: readonly (readonly [what: string, items: readonly Item[]])[] = [
  ['a message', [text('too late')]],
  ['a Ping', [ping('too late')]],
  ['another Close frame', [close(1001)]],
  ['a frame that is forbidden', [frame(11, 'x', { rsv: 7, isMasked: true })]],
  ['a bad Close frame', [frame(CLOSE, 'x')]],
  ['text that is not UTF-8', [text(fromHex('ff'))]],
  ['1 MiB', [frame(2, { bytesOf: 1_048_576 })]],
]

const order: readonly Case[] = [
  ...AFTER.map(
    ([what, items]): Case => ({
      name: `RFC 6455 §5.5.1: ${what} behind the server's Close frame counts for nothing`,
      script: [say(text('before'), close(1000), ...items), hearClose(1000), end, hearEnd],
      chops: what === '1 MiB' ? ['whole', 65536] : ALL_CHOPS,
      outcome: closed([{ text: 'before' }]),
    }),
  ),
  {
    name: 'RFC 6455 §5.5.1: messages before the Close frame are received, and Pings are answered',
    script: [
      say(text('one'), ping('two'), frame(2, { bytesOf: 300 }), close(1001, 'away')),
      hearPong('two'),
      hearClose(1001),
      end,
      hearEnd,
    ],
    chops: ['whole', 'octets'],
    outcome: closed([{ text: 'one' }, { bytesOf: 300 }], 1001, 'away'),
  },
  {
    name: 'RFC 6455 §5.5.1: 256 KiB, then Close and a Ping',
    client: { echoes: true },
    script: [
      say(text({ textOf: 262_144 })),
      hear({ textOf: 262_144 }),
      say(close(1000), ping()),
      hearClose(1000),
      end,
      hearEnd,
    ],
    chops: ['whole', 65536],
    outcome: closed([{ textOf: 262_144 }]),
  },
  {
    name: 'RFC 6455 §5.4: Close in the middle of a fragmented message, which is lost; what continues it counts for nothing',
    script: [say(text('begun', { fin: false }), close(1000), continuation('ended')), hearClose(1000), end, hearEnd],
    chops: ALL_CHOPS,
    outcome: closed(),
  },
  {
    name: 'RFC 6455 §5.4: Close in the middle of text that ends within a character',
    script: [say(text(fromHex('61 e2 82'), { fin: false })), ...closingSteps()],
    chops: ALL_CHOPS,
    outcome: closed(),
  },
  {
    name: 'RFC 6455 §7.1.1: the server ends its direction right behind its Close frame, and is answered',
    script: [say(close(1000, 'at once')), end, hearClose(1000), hearEnd],
    chops: ['whole', 'octets'],
    outcome: closed([], 1000, 'at once'),
  },
  {
    name: 'RFC 6455 §7.1.1: a server that leaves it to the client to end the connection',
    script: [say(close(1000)), hearClose(1000), hearEnd, end],
    outcome: closed(),
  },
  {
    name: "RFC 6455 §7.1.5: the server answers the client's Close with a code of its own",
    client: { does: [{ close: [1000, 'mine'] }] },
    script: [hearClose(1000, 'mine'), say(close(4321, 'yours')), end, hearEnd],
    chops: ALL_CHOPS,
    outcome: closed([], 4321, 'yours'),
  },
  {
    name: "RFC 6455 §7.1.5: the server answers the client's Close without a code",
    client: { does: [{ close: [1000] }] },
    script: [hearClose(1000, ''), say(close()), end, hearEnd],
    chops: ALL_CHOPS,
    outcome: closed([], 1005),
  },
  {
    name: "RFC 6455 §5.5.1: what comes between the client's Close and the server's is received, and nothing more is sent",
    client: { does: [{ send: { text: 'last' } }, { close: [1000] }] },
    script: [
      hear({ text: 'last' }),
      hearClose(1000),
      say(text('still '), ping('no answer'), text('here')),
      say(close(1000)),
      end,
      hearEnd,
    ],
    chops: ALL_CHOPS,
    outcome: closed([{ text: 'still ' }, { text: 'here' }]),
  },
  {
    name: 'RFC 6455 §7.1.7: a forbidden frame behind the Close of the client: no second Close frame goes out',
    client: { does: [{ close: [1000] }] },
    script: [hearClose(1000), say(frame(3, 'x'), close(1000)), hearEnd, end],
    chops: ['whole', 'octets'],
    outcome: failed('reserved-opcode'),
  },
  {
    name: "RFC 6455 §5.5.1: after closeOutput the client receives until the server's Close",
    client: { does: [{ closeOutput: [4000, 'said all'] }] },
    script: [hearClose(4000, 'said all'), say(text('one'), text('two')), say(close(4000)), end, hearEnd],
    chops: ALL_CHOPS,
    outcome: closed([{ text: 'one' }, { text: 'two' }], 4000),
  },
  {
    name: "RFC 6455 §5.5.1: half open, the client finishes what it has to say after the server's Close",
    client: {
      options: { allowHalfOpen: true },
      endsWith: [{ send: { text: 'last words' } }, { close: [1001, 'done'] }],
    },
    script: [say(close(1000, 'your turn')), hear({ text: 'last words' }), hearClose(1001, 'done'), end, hearEnd],
    chops: ALL_CHOPS,
    outcome: closed([], 1000, 'your turn'),
  },
]

/** The server's direction ends without a Close frame (RFC 6455 §7.1.5: 1006). */
const LOST: readonly (readonly [what: string, items: readonly Item[], messages?: readonly string[]])[] = [
  ['at once', []],
  ['behind a message', [text('one')], ['one']],
  ['inside a header', [raw('81')]],
  ['inside the length', [raw('82 7f 00 00 00')]],
  ['inside a payload', [raw('81 05 68 65')]],
  ['behind a first fragment', [text('begun', { fin: false })]],
  ['inside a Close frame', [raw('88 02 03')]],
]

const ends = LOST.map(
  ([what, items, messages = []]): Case => ({
    name: `RFC 6455 §7.1.5: the connection ends ${what}, without a Close frame`,
    script: items.length === 0 ? [end] : [say(...items), end],
    chops: ['whole', 'octets'],
    outcome: lost(messages.map((each) => ({ text: each }))),
  }),
)

export const closing: readonly Case[] = [...codes, ...reasons, ...payloads, ...order, ...ends]
