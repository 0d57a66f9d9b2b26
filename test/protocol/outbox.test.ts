import { beforeEach, describe, expect, test } from 'vitest'
import { Arena } from '../../src/codec/arena.ts'
import { BLOCK_BYTES, SCRATCH } from '../../src/codec/layout.ts'
import { Outbox } from '../../src/protocol/outbox.ts'
import { CODECS, pattern, randomIntegers, SLABS_IN_MEMORY } from '../codec/support.ts'
import { bytesOf, countedKeys, parseFrames, sent } from './support.ts'

const BINARY = 0x82
const TEXT = 0x81
/** From here on a slab is lent even when something is under way. */
const LARGE = 8192
const LENT_MAX = 64
const FREE_MIN = 32
/** The longest payload whose frame fits a slab. */
const SLAB_PAYLOAD = BLOCK_BYTES - 8
/** The longest text whose frame fits a slab, whatever its characters are. */
const SLAB_TEXT = Math.floor(SLAB_PAYLOAD / 3)

describe.each(CODECS)('an outbox on %s', (_, codec) => {
  let arena: Arena
  let outbox: Outbox

  beforeEach(() => {
    arena = new Arena(SLABS_IN_MEMORY)
    outbox = new Outbox(codec, arena, countedKeys())
  })

  const isLent = (chunk: Uint8Array) => chunk.buffer === codec.memory.buffer
  const isCopied = (chunk: Uint8Array) => !isLent(chunk)

  /** Pushes and takes one payload. */
  function takeOne(length: number): readonly Uint8Array[] {
    outbox.push(BINARY, pattern(length))
    return outbox.take()
  }

  describe('builds frames', () => {
    test.each([0, 1, 125, 126, 127, 65_527, SLAB_PAYLOAD, SLAB_PAYLOAD + 1, 65_535, 65_536, 131_072, 200_003, 1 << 20])(
      'of %i bytes',
      (length) => {
        outbox.push(BINARY, pattern(length))
        outbox.push(TEXT, pattern(3))
        const frames = parseFrames(bytesOf(outbox.take()))
        expect(frames.map(({ firstByte }) => firstByte)).toEqual([BINARY, TEXT])
        expect(frames[0]!.payload.equals(pattern(length))).toBe(true)
        expect(frames[1]!.payload.equals(pattern(3))).toBe(true)
      },
    )

    const lengths = [
      0,
      1,
      41,
      42,
      62,
      63,
      125,
      126,
      7000,
      SLAB_TEXT - 1,
      SLAB_TEXT,
      SLAB_TEXT + 1,
      65_527,
      65_536,
      100_000,
    ]
    test.each(lengths)('of text of %i characters, of any number of bytes', (length) => {
      for (const character of ['a', 'é', '€']) {
        const text = character.repeat(length)
        outbox.pushText(TEXT, text)
        const [frame] = parseFrames(bytesOf(outbox.take()))
        expect(frame!.payload.toString()).toBe(text)
      }
    })

    test('of text whose header becomes longer than that of ASCII, wherever its other characters are', () => {
      for (let length = 30; length < 130; length++) {
        for (const text of [
          `${'a'.repeat(length)}€`,
          `€${'a'.repeat(length)}`,
          '\u{1f600}'.repeat(length),
          'é'.repeat(length),
        ]) {
          outbox.pushText(TEXT, text)
          outbox.pushText(TEXT, 'after')
          expect(parseFrames(bytesOf(outbox.take())).map(({ payload }) => payload.toString())).toEqual([text, 'after'])
        }
      }
    })

    test('of long text that is cut anywhere, behind others', () => {
      const text = Buffer.from(pattern(200_000).map((byte) => byte & 0x7f)).toString('latin1')
      for (const before of [1, 30_000, 65_500, 65_530]) {
        outbox.push(BINARY, pattern(before))
        outbox.pushText(TEXT, text)
        outbox.pushText(TEXT, 'after')
        const payloads = parseFrames(bytesOf(outbox.take())).map(({ payload }) => payload)
        expect(payloads.map(({ length }) => length)).toEqual([before, text.length, 5])
        expect(payloads[1]!.toString('latin1') === text).toBe(true)
      }
    })

    test('of text with a replacement for each lone surrogate', () => {
      outbox.pushText(TEXT, 'a\ud83db\ude00')
      expect(parseFrames(bytesOf(outbox.take()))[0]!.payload.toString()).toBe('a\ufffdb\ufffd')
    })

    test('with a key of its own for each', () => {
      const key = countedKeys()
      const expected = Array.from({ length: 5 }, () => key())
      outbox.push(BINARY, pattern(10))
      outbox.pushText(TEXT, 'text')
      outbox.push(BINARY, pattern(100_000))
      outbox.pushText(TEXT, 'é'.repeat(40_000))
      outbox.push(BINARY, pattern(0))
      expect(parseFrames(bytesOf(outbox.take())).map((frame) => frame.key)).toEqual(expected)
    })

    test('of payloads that may be changed at once', () => {
      for (const length of [10, 10_000, 100_000]) {
        const payload = pattern(length)
        outbox.push(BINARY, payload)
        payload.fill(0)
      }
      for (const { payload } of parseFrames(bytesOf(outbox.take()))) {
        expect(payload.equals(pattern(payload.length))).toBe(true)
      }
    })

    test('without writing to their payloads', () => {
      const payload = pattern(1000)
      outbox.push(BINARY, payload)
      expect(payload).toEqual(pattern(1000))
    })

    test('of a payload that is a view into the middle of a buffer', () => {
      outbox.push(BINARY, pattern(100).subarray(40, 60))
      expect(parseFrames(bytesOf(outbox.take()))[0]!.payload.equals(pattern(100).subarray(40, 60))).toBe(true)
    })
  })

  describe('makes few chunks', () => {
    test('one for all frames of a turn, as long as they fit a slab', () => {
      for (let i = 0; i < 500; i++) outbox.push(BINARY, pattern(100))
      const chunks = outbox.take()
      expect(chunks).toHaveLength(1)
      expect(sent(chunks)).toHaveLength(500)
    })

    test('one for a frame that fills a slab to the last byte', () => {
      const chunks = takeOne(SLAB_PAYLOAD)
      expect(chunks.map(({ length }) => length)).toEqual([BLOCK_BYTES])
    })

    test('a new one for a frame that does not fit behind the others', () => {
      outbox.push(BINARY, pattern(40_000))
      outbox.push(BINARY, pattern(30_000))
      expect(outbox.take().map(({ length }) => length)).toEqual([40_008, 30_008])
    })

    test('a new one for a frame that is made in place and might not fit', () => {
      outbox.push(BINARY, pattern(60_000))
      outbox.pushMade(BINARY, 10_000, (memory, at) => {
        memory.set(pattern(10_000), at)
        return 10_000
      })
      const chunks = outbox.take()
      expect(chunks.map(({ length }) => length)).toEqual([60_008, 10_008])
      expect(parseFrames(bytesOf(chunks))[1]!.payload.equals(pattern(10_000))).toBe(true)
    })

    test('full ones for a frame larger than a slab, beginning behind what there is', () => {
      outbox.push(BINARY, pattern(10))
      outbox.push(BINARY, pattern(150_000))
      outbox.push(BINARY, pattern(10))
      const total = 16 + 150_014 + 16
      const lengths = outbox.take().map(({ length }) => length)
      expect(lengths).toEqual([BLOCK_BYTES, BLOCK_BYTES, total - 2 * BLOCK_BYTES])
    })

    test('none when nothing was pushed', () => {
      expect(outbox.isEmpty).toBe(true)
      expect(outbox.take()).toEqual([])
      expect(arena.free).toBe(SLABS_IN_MEMORY)
    })
  })

  describe('lends slabs', () => {
    test('for little while nothing is under way', () => {
      expect(takeOne(10).every(isLent)).toBe(true)
    })

    test('and copies little out of them while something is', () => {
      const first = takeOne(10)
      expect(takeOne(10).every(isCopied)).toBe(true)
      expect(takeOne(LARGE - 9).every(isCopied)).toBe(true)
      expect(takeOne(LARGE - 8).every(isLent)).toBe(true)
      outbox.release(first)
      expect(arena.free).toBe(SLABS_IN_MEMORY - 1)
    })

    test('again for little when all has been let go', () => {
      const first = takeOne(10)
      const second = takeOne(10)
      outbox.release(first)
      outbox.release(second)
      expect(takeOne(10).every(isLent)).toBe(true)
    })

    test('and does not touch them before they are released', () => {
      const taken = Array.from({ length: 10 }, () => takeOne(20_000))
      for (const chunks of taken) {
        expect(parseFrames(bytesOf(chunks))[0]!.payload.equals(pattern(20_000))).toBe(true)
      }
      const slabs = taken.flatMap((chunks) => chunks.map(({ byteOffset }) => byteOffset))
      expect(new Set(slabs).size).toBe(10)
    })

    test('and uses them again once they are released', () => {
      const [first] = takeOne(20_000)
      outbox.release([first!])
      expect(takeOne(20_000)[0]!.byteOffset).toBe(first!.byteOffset)
    })

    test('up to a limit for one connection, and copies beyond', () => {
      const taken = Array.from({ length: LENT_MAX + 3 }, () => takeOne(20_000)[0]!)
      expect(taken.filter(isLent)).toHaveLength(LENT_MAX)
      expect(taken.slice(LENT_MAX).every(isCopied)).toBe(true)
      expect(taken.every((chunk) => parseFrames(chunk)[0]!.payload.equals(pattern(20_000)))).toBe(true)
      expect(arena.free).toBe(SLABS_IN_MEMORY - LENT_MAX)
      outbox.release(taken.slice(0, 1))
      expect(takeOne(20_000).every(isLent)).toBe(true)
    })

    test('as often as they are released', () => {
      for (let i = 0; i < 2 * LENT_MAX; i++) {
        const chunks = takeOne(20_000)
        expect(chunks.every(isLent)).toBe(true)
        outbox.release(chunks)
      }
    })

    test('none while few are free, so that all connections can build frames', () => {
      // The frame itself takes one.
      while (arena.free > FREE_MIN + 1) arena.acquire()
      const last = takeOne(20_000)
      expect(last.every(isLent)).toBe(true)
      outbox.release(last)
      while (arena.free >= FREE_MIN) arena.acquire()
      expect(takeOne(20_000).every(isCopied)).toBe(true)
      expect(arena.free).toBe(FREE_MIN - 1)
    })
  })

  describe('when no slab is free', () => {
    beforeEach(() => {
      while (arena.acquire() !== undefined);
    })

    test.each([0, 1, 126, SLAB_PAYLOAD, SLAB_PAYLOAD + 1, 200_000])(
      'makes a frame of %i bytes all the same',
      (length) => {
        const chunks = takeOne(length)
        expect(chunks.every(isCopied)).toBe(true)
        expect(parseFrames(bytesOf(chunks))[0]!.payload.equals(pattern(length))).toBe(true)
      },
    )

    test('makes text all the same', () => {
      const texts = ['text', 'é'.repeat(100), '€'.repeat(SLAB_TEXT), '€'.repeat(SLAB_TEXT + 1), 'a'.repeat(100_000)]
      for (const text of texts) outbox.pushText(TEXT, text)
      expect(parseFrames(bytesOf(outbox.take())).map(({ payload }) => payload.toString())).toEqual(texts)
    })

    test('gives back no slab that it never had', () => {
      const chunks = takeOne(200_000)
      outbox.release(chunks)
      expect(arena.free).toBe(0)
      expect(outbox.buffered).toBe(0)
    })

    test('shares the scratch block with other connections', () => {
      const other = new Outbox(codec, arena, countedKeys())
      for (let i = 0; i < 10; i++) {
        outbox.pushText(TEXT, `ours ${i}`)
        other.pushText(TEXT, `theirs ${i}`)
      }
      codec.memory.fill(0, SCRATCH, SCRATCH + BLOCK_BYTES)
      expect(sent(outbox.take())).toEqual(Array.from({ length: 10 }, (_, i) => `81 ours ${i}`))
      expect(sent(other.take())).toEqual(Array.from({ length: 10 }, (_, i) => `81 theirs ${i}`))
    })

    test('goes on with slabs as soon as there are some', () => {
      outbox.pushText(TEXT, 'one')
      const slab = arena.acquire()
      expect(slab).toBeUndefined()
      const more = new Arena(SLABS_IN_MEMORY)
      arena.release(more.acquire()!)
      outbox.pushText(TEXT, 'two')
      outbox.pushText(TEXT, 'three')
      const chunks = outbox.take()
      expect(chunks).toHaveLength(2)
      expect(sent(chunks)).toEqual(['81 one', '81 two', '81 three'])
      expect(arena.free).toBe(1)
    })
  })

  describe('counts', () => {
    test('what was pushed until it is released', () => {
      outbox.push(BINARY, pattern(10))
      outbox.pushText(TEXT, 'é')
      expect(outbox).toMatchObject({ buffered: 16 + 8, waiting: 16 + 8, isEmpty: false })
      const first = outbox.take()
      expect(outbox).toMatchObject({ buffered: 24, waiting: 0, isEmpty: true })
      outbox.push(BINARY, pattern(200_000))
      expect(outbox).toMatchObject({ buffered: 24 + 200_014, waiting: 200_014, isEmpty: false })
      const second = outbox.take()
      outbox.release(first)
      expect(outbox).toMatchObject({ buffered: 200_014, waiting: 0 })
      outbox.release(second)
      expect(outbox).toMatchObject({ buffered: 0, waiting: 0, isEmpty: true })
      expect(arena.free).toBe(SLABS_IN_MEMORY)
    })

    test('nothing any more after clear, except what is under way', () => {
      const taken = takeOne(20_000)
      outbox.push(BINARY, pattern(300_000))
      outbox.push(BINARY, pattern(10))
      outbox.clear()
      expect(outbox).toMatchObject({ buffered: 20_008, waiting: 0, isEmpty: true })
      expect(arena.free).toBe(SLABS_IN_MEMORY - 1)
      expect(parseFrames(bytesOf(taken))[0]!.payload.equals(pattern(20_000))).toBe(true)
      outbox.release(taken)
      expect(outbox.buffered).toBe(0)
      expect(arena.free).toBe(SLABS_IN_MEMORY)
    })
  })

  test('a key that cannot be drawn leaves nothing behind', () => {
    let fails = true
    const key = () => {
      if (fails) throw new Error('No random numbers here')
      return 1
    }
    const failing = new Outbox(codec, arena, key)
    for (const length of [10, 100_000]) expect(() => failing.push(BINARY, pattern(length))).toThrow('No random numbers')
    expect(() => failing.pushText(TEXT, 'text')).toThrow('No random numbers')
    expect(failing).toMatchObject({ buffered: 0, isEmpty: true })
    fails = false
    failing.pushText(TEXT, 'now')
    expect(sent(failing.take())).toEqual(['81 now'])
  })

  test('three connections that send, wait and let go at random get every byte across', () => {
    const random = randomIntegers(7)
    const small = new Arena(SLABS_IN_MEMORY)
    // So few that lending, copying and the scratch block all have their turn.
    for (let i = 0; i < SLABS_IN_MEMORY - FREE_MIN - 3; i++) small.acquire()
    const connections = Array.from({ length: 3 }, () => new Connection(new Outbox(codec, small, countedKeys())))
    const free = small.free
    for (let step = 0; step < 1500; step++) connections[random(3)]!.act(random)
    for (const connection of connections) connection.finish()
    expect(small.free).toBe(free)
  })
})

/** Checks what it takes only when it lets go of it. */
class Connection {
  readonly #outbox: Outbox
  readonly #pushed: string[] = []
  readonly #underWay: (readonly Uint8Array[])[] = []
  readonly #received: Uint8Array[] = []

  constructor(outbox: Outbox) {
    this.#outbox = outbox
  }

  act(random: (bound: number) => number): void {
    const action = random(8)
    if (action < 2) this.#push(random([20, 300, 30_000, 150_000][random(4)]!))
    else if (action < 5)
      this.#pushText(['a', 'é', '€', '\u{1f600}'][random(4)]!.repeat(random([20, 300, 25_000][random(3)]!)))
    else if (action < 6) this.#underWay.push(this.#outbox.take())
    else this.#release()
  }

  finish(): void {
    this.#underWay.push(this.#outbox.take())
    while (this.#underWay.length > 0) this.#release()
    expect(this.#outbox.buffered).toBe(0)
    const frames = parseFrames(Buffer.concat(this.#received)).map(({ payload }) => payload.toString('latin1'))
    expect(frames.length).toBe(this.#pushed.length)
    expect(frames.findIndex((frame, i) => frame !== this.#pushed[i])).toBe(-1)
  }

  #push(length: number): void {
    const payload = pattern(length)
    this.#outbox.push(BINARY, payload)
    this.#pushed.push(Buffer.from(payload).toString('latin1'))
  }

  #pushText(text: string): void {
    this.#outbox.pushText(TEXT, text)
    this.#pushed.push(Buffer.from(text).toString('latin1'))
  }

  #release(): void {
    const chunks = this.#underWay.shift()
    if (chunks === undefined) return
    for (const chunk of chunks) this.#received.push(Uint8Array.from(chunk))
    this.#outbox.release(chunks)
  }
}
