/** Large messages, in one frame and in many, whole and in small pieces: Autobahn's groups 9 and 10. */
import type { Content } from '../content.ts'
import { type Case, closed, closing, hear, message, say } from '../script.ts'

const KiB = 1024
const MiB = 1024 * KiB

const TYPES: readonly (readonly [type: string, contentOf: (size: number) => Content])[] = [
  ['text', (textOf) => ({ textOf })],
  ['binary', (bytesOf) => ({ bytesOf })],
]

const sizeOf = (size: number) => (size % MiB === 0 ? `${size / MiB} MiB` : `${size / KiB} KiB`)

const inOneFrame = TYPES.flatMap(([type, contentOf]) =>
  [64 * KiB, 256 * KiB, MiB, 4 * MiB, 8 * MiB, 16 * MiB].map((size): Case => {
    const content = contentOf(size)
    return {
      name: `RFC 6455 §5.2: a ${type} message of ${sizeOf(size)} in one frame comes in, and goes back`,
      client: { echoes: true },
      script: [say(message(content)), hear(content), ...closing()],
      outcome: closed([content]),
    }
  }),
)

const inFragments = TYPES.flatMap(([type, contentOf]) =>
  [64, 256, KiB, 4 * KiB, 16 * KiB, 64 * KiB, 256 * KiB, MiB, 4 * MiB].map((fragment): Case => {
    const content = contentOf(4 * MiB)
    return {
      name: `RFC 6455 §5.4: a ${type} message of 4 MiB in fragments of ${fragment} bytes`,
      client: { echoes: true },
      script: [say(message(content, { fragment })), hear(content), ...closing()],
      outcome: closed([content]),
    }
  }),
)

const largest = TYPES.map(([type, contentOf]): Case => {
  const content = contentOf(16 * MiB)
  return {
    name: `RFC 6455 §5.4: a ${type} message of 16 MiB in 131,072 fragments, as many as there may be`,
    script: [say(message(content, { fragment: 128 })), ...closing()],
    outcome: closed([content]),
  }
})

const inPieces = TYPES.flatMap(([type, contentOf]) =>
  [64, 128, 256, 512, KiB, 2 * KiB].map((piece): Case => {
    const content = contentOf(MiB)
    return {
      name: `RFC 6455 §5.2: a ${type} message of 1 MiB that comes ${piece} bytes at a time`,
      client: { echoes: true },
      script: [say(message(content)), hear(content), ...closing()],
      chops: [piece],
      outcome: closed([content]),
    }
  }),
)

const ROUND_TRIPS = 1000

const roundTrips = TYPES.flatMap(([type, contentOf]) =>
  [0, 16, 64, 256, KiB, 4 * KiB].map((size): Case => {
    const content = contentOf(size)
    const each = [say(message(content)), hear(content)]
    return {
      name: `RFC 6455 §5.6: ${ROUND_TRIPS} ${type} messages of ${size} bytes, there and back`,
      client: { echoes: true },
      script: [...Array.from({ length: ROUND_TRIPS }, () => each).flat(), ...closing()],
      outcome: closed(Array.from({ length: ROUND_TRIPS }, () => content)),
    }
  }),
)

export const sizes: readonly Case[] = [
  ...inOneFrame,
  ...inFragments,
  ...largest,
  ...inPieces,
  ...roundTrips,
  ...TYPES.map(
    ([type, contentOf]): Case => ({
      name: `RFC 6455 §5.4: a ${type} message of 64 KiB in fragments of 1300 bytes`,
      client: { echoes: true },
      script: [say(message(contentOf(65536), { fragment: 1300 })), hear(contentOf(65536)), ...closing()],
      chops: ['whole', 61, 1302],
      outcome: closed([contentOf(65536)]),
    }),
  ),
]
