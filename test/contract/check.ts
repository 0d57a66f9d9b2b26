/** Assertions that need no test runner, so that the suite runs in every runtime. */

/** Fails unless both are the same primitive, the same bytes, or arrays and plain objects of such. */
export function same(actual: unknown, expected: unknown, what = 'It'): void {
  if (!isSame(actual, expected)) throw new Error(`${what} is ${show(actual)}, not ${show(expected)}`)
}

export function holds(condition: boolean, what: string): void {
  if (!condition) throw new Error(`This does not hold: ${what}`)
}

/** What a promise is rejected with; fails when it is not. */
export async function rejection(promise: Promise<unknown>): Promise<unknown> {
  let value: unknown
  try {
    value = await promise
  } catch (reason) {
    return reason
  }
  throw new Error(`It should have failed, but gave ${show(value)}`)
}

/** The rejection of a promise, which has to be of one class, with these properties. */
export async function failure<T>(
  promise: Promise<unknown>,
  type: abstract new (...args: never[]) => T,
  properties: Partial<T> = {},
): Promise<T> {
  const error = await rejection(promise)
  if (!(error instanceof type)) throw new Error(`It failed with ${show(error)}, not with ${type.name}`)
  for (const [name, expected] of Object.entries(properties)) {
    same((error as Record<string, unknown>)[name], expected, `${name} of ${show(error)}`)
  }
  return error
}

function isSame(a: unknown, b: unknown): boolean {
  if (Object.is(a, b)) return true
  if (typeof a !== 'object' || typeof b !== 'object' || a === null || b === null) return false
  if (a instanceof Uint8Array || b instanceof Uint8Array) {
    return a instanceof Uint8Array && b instanceof Uint8Array && isSameBytes(a, b)
  }
  const keys = Object.keys(a)
  if (Array.isArray(a) !== Array.isArray(b) || keys.length !== Object.keys(b).length) return false
  return keys.every((key) => isSame((a as Record<string, unknown>)[key], (b as Record<string, unknown>)[key]))
}

function isSameBytes(a: Uint8Array, b: Uint8Array): boolean {
  if (a.length !== b.length) return false
  // A loop, since some are long.
  for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) return false
  return true
}

function show(value: unknown): string {
  if (value instanceof Error) return `${value.name}: ${value.message}`
  if (value instanceof Uint8Array) return `${value.length} bytes, ${[...value.subarray(0, 16)].join(' ')}`
  const text = JSON.stringify(value) ?? String(value)
  return text.length > 200 ? `${text.slice(0, 200)}… (${text.length} characters)` : text
}
