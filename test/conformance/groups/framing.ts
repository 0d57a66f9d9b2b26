/** RFC 6455 §5.2 and §5.6: messages of one frame, in every form that a length has. */
import type { Content } from '../content.ts'
import {
  ALL_CHOPS,
  binary,
  type Case,
  type Chop,
  closed,
  closing,
  end,
  hear,
  hearClose,
  hearEnd,
  message,
  say,
  close as sayClose,
  text,
} from '../script.ts'

/** On either side of each form of the length field. */
const SIZES = [0, 1, 125, 126, 127, 128, 65535, 65536]
/** A prime number, so that the cuts fall everywhere. */
const PIECES = 997

const TYPES: readonly (readonly [type: string, contentOf: (size: number) => Content])[] = [
  ['text', (textOf) => ({ textOf })],
  ['binary', (bytesOf) => ({ bytesOf })],
]

const chopsFor = (size: number): readonly Chop[] => (size <= 128 ? ALL_CHOPS : ['whole', PIECES])

const received = TYPES.flatMap(([type, contentOf]) =>
  SIZES.map((size): Case => {
    const content = contentOf(size)
    return {
      name: `RFC 6455 §5.6: a ${type} message of ${size} ${size === 1 ? 'byte' : 'bytes'} comes in, and goes back`,
      client: { echoes: true },
      script: [say(message(content)), hear(content), ...closing()],
      chops: chopsFor(size),
      outcome: closed([content]),
    }
  }),
)

const sent = TYPES.map(([type, contentOf]): Case => {
  const contents = SIZES.map(contentOf)
  return {
    name: `RFC 6455 §5.2: ${type} messages of every form of length go out`,
    client: { does: contents.map((send) => ({ send })) },
    script: [...contents.map((content) => hear(content)), ...closing()],
    outcome: closed(),
  }
})

/** Text as users write it, and as nobody does. */
const TEXTS = ['\u{feff}byte order mark', 'nothing\0after', 'κόσμε', '日本語', '👩‍👩‍👧', '\u{10ffff}', '\r\n']
const texts = TEXTS.map((each): Content => ({ text: each }))
const numbered = Array.from(
  { length: 100 },
  (_, i): Content => (i % 2 ? { hex: `00 ${10 + (i % 90)}` } : { text: `${i}` }),
)

export const framing: readonly Case[] = [
  ...received,
  ...sent,
  {
    name: 'RFC 6455 §5.6: text is what it is, with its byte order marks and controls',
    client: { echoes: true },
    script: [...texts.flatMap((content) => [say(message(content)), hear(content)]), ...closing()],
    chops: ALL_CHOPS,
    outcome: closed(texts),
  },
  {
    name: 'RFC 6455 §5.6: bytes that are no text are fine in a binary message',
    client: { echoes: true },
    script: [say(binary({ hex: 'c0 80 ff fe ed a0 80' })), hear({ hex: 'c0 80 ff fe ed a0 80' }), ...closing()],
    chops: ALL_CHOPS,
    outcome: closed([{ hex: 'c0 80 ff fe ed a0 80' }]),
  },
  {
    name: 'RFC 6455 §5.2: a hundred messages that come together stay in order',
    client: { echoes: true },
    script: [say(...numbered.map((content) => message(content))), ...numbered.map((each) => hear(each)), ...closing()],
    chops: ['whole', 'octets', 7],
    outcome: closed(numbered),
  },
  {
    name: 'RFC 6455 §4.1: what comes right behind the 101 is no part of it',
    script: [say(text('first'), binary({ bytesOf: 300 }), sayClose(1000)), hearClose(1000), end, hearEnd],
    eager: true,
    outcome: closed([{ text: 'first' }, { bytesOf: 300 }]),
  },
]
