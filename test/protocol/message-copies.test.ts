import { describe, expect, test } from 'vitest'
import type { Message } from '../../src/protocol/message-parts.ts'
import { MessageReader } from '../../src/protocol/message-reader.ts'
import { CODECS, concat, pattern, serverFrame } from '../codec/support.ts'
import { LIMITS, RecordingSink } from './support.ts'

const TEXT = 0x81
const BINARY = 0x82
const KiB = 1024

const utf8 = (text: string) => new TextEncoder().encode(text)
/** ASCII that differs from its neighbours, and from texts of other lengths. */
const textOf = (length: number) =>
  Array.from({ length }, (_, i) => String.fromCharCode(32 + ((i * 7 + length) % 95))).join('')
const framed = (message: Message) =>
  typeof message === 'string' ? serverFrame(TEXT, utf8(message)) : serverFrame(BINARY, message)

describe.each(CODECS)('%s', (_, codec) => {
  /** The messages of chunks, looked at when all of memory has been used for something else. */
  function read(...chunks: readonly Uint8Array[]): readonly Message[] {
    const sink = new RecordingSink()
    const reader = new MessageReader(codec, LIMITS, sink)
    for (const chunk of chunks) expect(reader.push(chunk)).toBeUndefined()
    expect(reader.push(framed(new Uint8Array(60 * KiB).fill(0xee)))).toBeUndefined()
    return (sink.events as Message[]).slice(0, -1)
  }
  const binaries = (...chunks: readonly Uint8Array[]) => read(...chunks) as readonly Uint8Array[]

  test('texts of any length that came together are each their own', () => {
    const texts = Array.from({ length: 300 }, (_, length) => textOf(length))
    expect(read(concat(...texts.map(framed)))).toEqual(texts)
    expect(read(concat(...texts.toReversed().map(framed)))).toEqual(texts.toReversed())
  })

  test('short texts are right among bytes of all kinds', () => {
    const messages: Message[] = []
    for (let i = 0; i < 200; i++) messages.push(textOf(i % 20), pattern(i), 'ü€\u{1f600}'.repeat(i % 7), textOf(128))
    expect(read(concat(...messages.map(framed)))).toEqual(messages)
  })

  test('texts of one chunk have nothing to do with those of the next, at the same places', () => {
    const chunk = (character: string) => concat(...Array(50).fill(framed(character.repeat(30))))
    expect(read(chunk('a'), chunk('b'))).toEqual([...Array(50).fill('a'.repeat(30)), ...Array(50).fill('b'.repeat(30))])
  })

  test('a binary message that came alone owns its memory, all of it and no more', () => {
    for (const length of [1, 64, 65, 1000, 2048, 2049]) {
      const [message] = binaries(framed(pattern(length)))
      expect(message).toEqual(pattern(length))
      expect(message!.buffer.byteLength).toBe(length)
    }
  })

  test('binary messages of 65 to 2048 bytes that came together share memory in small pieces, at offsets for any array', () => {
    for (const length of [65, 127, 1000, 2048]) {
      const sent = Array.from({ length: Math.floor((60 * KiB) / length) }, (_, i) => pattern(length).fill(i, 0, 1))
      const messages = binaries(concat(...sent.map(framed)))
      expect(messages).toEqual(sent)
      const buffers = new Set(messages.map(({ buffer }) => buffer))
      expect(buffers.size).toBeLessThan(messages.length / 4)
      for (const { byteLength } of buffers) expect(byteLength).toBeLessThanOrEqual(16 * KiB)
      for (const { byteOffset } of messages) expect(byteOffset % 8).toBe(0)
      for (const message of messages) message.fill(0)
      expect(new Set(messages.flatMap((message) => [...message]))).toEqual(new Set([0]))
    }
  })

  test('a shared piece of memory is filled to its end', () => {
    const sent = Array.from({ length: 40 }, () => pattern(128))
    const buffers = binaries(concat(...sent.map(framed))).map(({ buffer }) => buffer)
    expect(new Set(buffers.slice(0, 16))).toEqual(new Set([buffers[0]]))
    expect(buffers[0]!.byteLength).toBe(16 * 128)
    expect(buffers[16]).not.toBe(buffers[0])
  })

  test('a message that is changed changes no other', () => {
    const sent = [pattern(100), pattern(99), pattern(98)]
    const messages = binaries(concat(...sent.map(framed)))
    messages[1]!.fill(0xff)
    expect([messages[0], messages[2]]).toEqual([sent[0], sent[2]])
  })

  test('tiny and large binary messages share nothing', () => {
    const sent = [pattern(64), pattern(64), pattern(2049), pattern(2049)]
    const messages = binaries(concat(...sent.map(framed)))
    expect(messages).toEqual(sent)
    expect(messages.map(({ buffer }) => buffer.byteLength)).toEqual(sent.map(({ length }) => length))
  })

  test('a binary message keeps no more than 16 times its length alive, whatever it came with', () => {
    const lengths = [65, 2048, 65, 66, 1000, 100, 2000, 70]
    const sent = lengths.map((length) => pattern(length))
    const others = Array.from({ length: 100 }, () => framed(textOf(125)))
    const together = binaries(concat(...sent.map(framed), ...others)).slice(0, lengths.length)
    const apart = sent.map((message) => binaries(concat(framed(message), ...others))[0]!)
    expect([...together, ...apart]).toEqual([...sent, ...sent])
    for (const { buffer, length } of [...together, ...apart]) expect(buffer.byteLength).toBeLessThanOrEqual(16 * length)
  })

  test('what is kept alive is little more than what came, however lengths alternate', () => {
    for (const lengths of [
      [65, 2048],
      [100, 2000],
      [128, 2048],
      [70, 1200],
    ]) {
      const pairs = Math.floor((60 * KiB) / (lengths[0]! + lengths[1]! + 8))
      const sent = Array.from({ length: pairs }, () => lengths.map(pattern)).flat()
      const messages = binaries(concat(...sent.map(framed)))
      expect(messages).toEqual(sent)
      const kept = [...new Set(messages.map(({ buffer }) => buffer))].reduce(
        (sum, { byteLength }) => sum + byteLength,
        0,
      )
      expect(kept).toBeLessThan(1.3 * sent.reduce((sum, { length }) => sum + length, 0))
    }
  })

  test('nothing is shared with what came before', () => {
    const chunk = concat(...Array<Uint8Array>(3).fill(framed(pattern(100))))
    const buffers = binaries(chunk, chunk).map(({ buffer }) => buffer)
    expect(buffers[1]).toBe(buffers[0])
    for (const earlier of buffers.slice(0, 3)) expect(buffers.slice(3)).not.toContain(earlier)
  })
})
