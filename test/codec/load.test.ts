import { describe, expect, test } from 'vitest'
import { CORE_BASE64 } from '../../src/codec/core.generated.ts'
import { codecOnce } from '../../src/codec/instance.ts'
import { BLOCK_BYTES, SLABS } from '../../src/codec/layout.ts'
import { loadCodec, standIn } from '../../src/codec/load.ts'
import { webAssembly } from '../../src/codec/webassembly.ts'

test('a runtime with WebAssembly gets the core, and all callers the same', () => {
  const { codec, arena } = loadCodec()
  expect(codec.name).toBe('wasm')
  expect(arena.free).toBe(1024)
  expect(codec.memory).toHaveLength(SLABS + 1024 * BLOCK_BYTES)
  expect(loadCodec()).toBe(loadCodec())
})

test('a runtime that cannot compile the core gets the twin, with a smaller memory', () => {
  let compiled = 0
  const compile = () => {
    compiled++
    return undefined
  }
  const load = codecOnce(compile, 1024, standIn)
  expect(compiled).toBe(0)
  const { codec, arena } = load()
  expect(codec.name).toBe('js')
  expect(arena.free).toBe(64)
  expect(load().codec).toBe(codec)
  expect(compiled).toBe(1)
})

describe('where there is no room for the memory of the core', () => {
  const core = () => new webAssembly!.Module(Buffer.from(CORE_BASE64, 'base64'))
  /** More than 4 GiB, which no memory of WebAssembly can have. */
  const tooMany = 65_536

  test('the twin stands in for it', () => {
    expect(codecOnce(core, tooMany, standIn)().codec.name).toBe('js')
  })

  test('it is an error without a twin', () => {
    expect(codecOnce(core, tooMany)).toThrow(/memory/i)
  })
})

test('where there is no twin, it is an error', () => {
  expect(codecOnce(() => undefined, 1024)).toThrow('no WebAssembly')
})
