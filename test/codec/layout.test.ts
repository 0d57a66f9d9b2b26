import { readFile } from 'node:fs/promises'
import { describe, expect, test } from 'vitest'
import * as layout from '../../src/codec/layout.ts'
import * as violations from '../../src/codec/violations.ts'
import { CODECS, SLABS_IN_MEMORY } from './support.ts'

/** The constants of a file in AssemblyScript that are plain numbers. */
async function constants(file: string): Promise<Record<string, number>> {
  const source = await readFile(new URL(`../../assembly/${file}`, import.meta.url), 'utf8')
  const found = source.matchAll(/^(?:export )?const (\w+)(?:: \w+)? = (0x[\da-f]+|\d+)$/gm)
  return Object.fromEntries([...found].map(([, name, value]) => [name, Number(value)]))
}

describe('the host agrees with the core', () => {
  test('on the map of linear memory', async () => {
    const { ROW_BYTES, ...memory } = await constants('memory.ts')
    expect(Object.keys(memory)).toHaveLength(7)
    expect(layout).toMatchObject(memory)
    expect(layout.ROW_WORDS * 4).toBe(ROW_BYTES)
  })

  test('on the flags of a row and the numbers of the rules', async () => {
    const decoder = await constants('decoder.ts')
    const { FIN, STARTS, ENDS, ASCII, CONTINUATION, COMPRESSED, TEXT, BINARY, CLOSE, RSV1, ...rules } = decoder
    expect({ FIN, STARTS, ENDS, ASCII, CONTINUATION, COMPRESSED }).toEqual({
      FIN: layout.FIN,
      STARTS: layout.STARTS,
      ENDS: layout.ENDS,
      ASCII: layout.ASCII,
      CONTINUATION: layout.CONTINUATION,
      COMPRESSED: layout.COMPRESSED,
    })
    expect([TEXT, BINARY, CLOSE, RSV1]).toEqual([1, 2, 8, 0x40])
    expect(Object.keys(rules)).toHaveLength(11)
    expect(violations).toMatchObject(rules)
  })
})

test('the parts of linear memory do not overlap', () => {
  const { STATE, TABLE, TABLE_ROWS, ROW_WORDS, INPUT, SCRATCH, SLABS, BLOCK_BYTES } = layout
  expect(STATE + 52).toBeLessThanOrEqual(TABLE)
  expect(TABLE + TABLE_ROWS * ROW_WORDS * 4).toBeLessThanOrEqual(INPUT)
  expect(INPUT + BLOCK_BYTES).toBe(SCRATCH)
  expect(SCRATCH + BLOCK_BYTES).toBe(SLABS)
})

test.each(CODECS)('%s has memory for its slabs, and a view of it', (_, codec) => {
  expect(codec.memory.length).toBe(layout.SLABS + SLABS_IN_MEMORY * layout.BLOCK_BYTES)
  expect(codec.buffer.buffer).toBe(codec.memory.buffer)
  expect(codec.buffer).toHaveLength(codec.memory.length)
  expect(codec.table.byteOffset).toBe(layout.TABLE)
})

describe('the list of violations', () => {
  const rules = Object.entries(violations).flatMap(([name, number]) =>
    typeof number === 'number' ? [[name, number] as const] : [],
  )

  test('has an entry for each number, named alike', () => {
    expect(rules).toHaveLength(violations.VIOLATIONS.length - 1)
    for (const [name, number] of rules) {
      expect(violations.VIOLATIONS[number]?.name).toBe(name.toLowerCase().replaceAll('_', '-'))
    }
  })

  test.each(rules)('%s has a message that fits a Close frame', (_, number) => {
    expect(Buffer.byteLength(violations.VIOLATIONS[number]!.message)).toBeLessThanOrEqual(123)
  })
})
