import type { Draw } from './draw.ts'

/** Something that is fuzzed. A case is data: what `check` does with it depends on nothing else. */
export interface Target<Case = unknown> {
  readonly name: string
  /** Makes a case of random decisions. */
  generate(draw: Draw): Case
  /** Throws, or rejects, if what has to hold of the case does not. */
  check(fuzzed: Case): void | Promise<void>
  /** The case as a person can make a test of it: bytes in hexadecimal. By default every field of it. */
  show?(fuzzed: Case): string
}

/** One kind of step for each of the names, so that the name alone tells what else there is. */
export type Does<Name extends string, Details = unknown> = Name extends unknown
  ? { readonly do: Name } & Details
  : never

/** What a target throws when something does not hold. */
export class Broken extends Error {
  override readonly name = 'Broken'
}

export function broken(problem: string): never {
  throw new Broken(problem)
}

/** Whether two things are the same, told as text if they are not. */
export function same(actual: unknown, expected: unknown, what: string): void {
  if (!Object.is(actual, expected)) broken(`${what}: ${show(actual)}, not ${show(expected)}`)
}

export function sameBytes(actual: Uint8Array, expected: Uint8Array, what: string): void {
  if (Buffer.compare(actual, expected) !== 0) broken(`${what}: ${show(actual)}, not ${show(expected)}`)
}

/** A value on one line, bytes in hexadecimal. */
export function show(value: unknown): string {
  if (value instanceof Uint8Array) return `<${Buffer.from(value).toString('hex')}>`
  if (Array.isArray(value)) return `[${value.map(show).join(', ')}]`
  if (value instanceof Error) return `${value.name}: ${value.message}`
  if (value instanceof Map) return `Map ${show([...value])}`
  if (typeof value === 'object' && value !== null) {
    return `{ ${Object.entries(value)
      .map(([name, each]) => `${name}: ${show(each)}`)
      .join(', ')} }`
  }
  return typeof value === 'string' ? JSON.stringify(value) : String(value)
}

/** The fields of a case, one a line. */
export function showCase(fuzzed: unknown): string {
  if (typeof fuzzed !== 'object' || fuzzed === null || fuzzed instanceof Uint8Array) return show(fuzzed)
  return Object.entries(fuzzed)
    .map(([name, value]) => {
      const isLong = Array.isArray(value) && value.some((each) => typeof each === 'object')
      return isLong ? [`${name}:`, ...value.map((each) => `  ${show(each)}`)].join('\n') : `${name}: ${show(value)}`
    })
    .join('\n')
}
