/** Text cut anywhere: the core and the twin are in the same state at each cut, and judge as the runtime does. */
import { INPUT } from '../../../src/codec/layout.ts'
import type { Draw } from '../draw.ts'
import { BOTH } from '../make/codecs.ts'
import { makeTextBytes } from '../make/text.ts'
import { canBecomeText, isUtf8 } from '../reference/utf8.ts'
import { same, type Target } from '../target.ts'

interface Case {
  readonly bytes: Uint8Array
  readonly offset: number
}

const strict = new TextDecoder('utf-8', { fatal: true })
const [core, twin] = BOTH
const REJECT = -1

export const utf8: Target<Case> = {
  name: 'utf8',
  generate: (draw: Draw) => ({ bytes: makeTextBytes(draw, draw.oneIn(32) ? 300 : 20), offset: draw.below(64) }),
  check: ({ bytes, offset }) => {
    const from = INPUT + offset
    core!.memory.set(bytes, from)
    twin!.memory.set(bytes, from)
    const whole = core!.validateUtf8(from, bytes.length, 0)
    same(twin!.validateUtf8(from, bytes.length, 0), whole, "the twin's state at the end")
    same(whole === 0, isStrictlyText(bytes), 'whether it is text')
    let state = 0
    for (let length = 0; length <= bytes.length; length++) {
      const before = core!.validateUtf8(from, length, 0)
      same(twin!.validateUtf8(from, length, 0), before, `the twin's state after ${length} bytes`)
      const after = before === REJECT ? REJECT : core!.validateUtf8(from + length, bytes.length - length, before)
      same(after, whole, `the core's state at the end, cut after ${length} bytes`)
      const prefix = bytes.subarray(0, length)
      same(before === 0, isUtf8(prefix), `whether the first ${length} bytes are text`)
      if (before !== 0)
        same(before !== REJECT, canBecomeText(prefix), `whether the first ${length} bytes can become text`)
      state = length === 0 || state === REJECT ? state : core!.validateUtf8(from + length - 1, 1, state)
      same(state, before, `the core's state after ${length} single bytes`)
    }
  },
}

function isStrictlyText(bytes: Uint8Array): boolean {
  try {
    strict.decode(bytes)
    return true
  } catch {
    return false
  }
}
