import { expect, test } from 'vitest'
import { MAX_REASON_BYTES } from '../../src/codec/close-code.ts'
import { closePayload, parseClose } from '../../src/protocol/close-frame.ts'
import { hex, wire } from '../codec/support.ts'

test.each([
  ['nothing', undefined, '', ''],
  ['nothing, whatever the reason, without a code', undefined, 'bye', ''],
  ['a code', 1000, '', '03e8'],
  ['a code and a reason', 4999, 'bye', '1387627965'],
  ['a reason beyond ASCII', 1001, 'ü€', '03e9c3bce282ac'],
])('the payload of a Close frame is %s', (_, code, reason, payload) => {
  expect(hex(closePayload(code, reason))).toBe(payload)
})

test('the longest reason fills a control frame', () => {
  expect(closePayload(1000, 'r'.repeat(MAX_REASON_BYTES))).toHaveLength(125)
})

test.each([
  ['nothing', '', { reason: '' }],
  ['a code', '03e8', { code: 1000, reason: '' }],
  ['a code and a reason', "1387 'bye'", { code: 4999, reason: 'bye' }],
  ['a code that may not be sent', '03ed', { code: 1005, reason: '' }],
  ['the greatest code', 'ffff', { code: 65_535, reason: '' }],
  ['a byte order mark in the reason', "03e8 efbbbf 'a'", { code: 1000, reason: '\ufeffa' }],
  ['a reason that is not UTF-8', '03e8 c3', { code: 1000 }],
  ['a reason of a surrogate', '03e8 eda080', { code: 1000 }],
])('a Close frame may say %s', (_, payload, says) => {
  // Behind other bytes, as a view of them.
  const bytes = wire(`ff ff ff ${payload}`)
  expect(parseClose(bytes.subarray(3))).toEqual(says)
})
