import { expect, test } from 'vitest'
import { CODECS } from './support.ts'

/** RFC 6455 §7.4.1 and the IANA registry: the codes below 3000 that may be sent. */
const DEFINED = [1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 1012, 1013, 1014]

test.each(CODECS)('%s lets a Close frame carry the defined codes and 3000 to 4999, and no others', (_, codec) => {
  const valid = Array.from({ length: 65_536 }, (_, code) => code).filter((code) => codec.isValidCloseCode(code))
  const free = Array.from({ length: 2000 }, (_, i) => 3000 + i)
  expect(valid).toEqual([...DEFINED, ...free])
})
