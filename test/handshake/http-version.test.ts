import { expect, test } from 'vitest'
import { type Plan, planOf } from '../../src/handshake/http-version.ts'
import type { HttpVersion, HttpVersionPolicy } from '../../src/options.ts'

const MATRIX: readonly (readonly [version: HttpVersion, policy: HttpVersionPolicy, ws: Plan, wss: Plan])[] = [
  ['1.1', 'or-lower', 'http1', 'http1'],
  ['1.1', 'or-higher', 'http1', 'negotiate'],
  ['1.1', 'exact', 'http1', 'http1'],
  ['2', 'or-lower', 'http1', 'negotiate'],
  ['2', 'or-higher', 'http2', 'http2'],
  ['2', 'exact', 'http2', 'http2'],
]

test.each(MATRIX)('%s %s is %s over ws and %s over wss', (version, policy, ws, wss) => {
  expect(planOf(version, policy, false)).toBe(ws)
  expect(planOf(version, policy, true)).toBe(wss)
})
