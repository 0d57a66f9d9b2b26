import { expect, test } from 'vitest'
import { codecOnce } from '../../src/codec/instance.ts'
import { loadCodec, standIn } from '../../src/codec/load.ts'

test('a runtime with WebAssembly gets the core, and all callers the same', () => {
  const { codec, arena } = loadCodec()
  expect(codec.name).toBe('wasm')
  expect(arena.free).toBe(1024)
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

test('where there is no twin, it is an error', () => {
  expect(codecOnce(() => undefined, 1024)).toThrow('no WebAssembly')
})
