import { expect, test } from 'vitest'
import { failureText, run } from './fuzz/run.ts'
import { same, type Target } from './fuzz/target.ts'
import { TARGETS } from './fuzz/targets.ts'

test.each([...TARGETS.values()])('$name holds for a few hundred random cases', async (target) => {
  const { executions, failure } = await run(target, { seed: 1, time: Infinity, executions: 300 })
  expect(failure && failureText(failure)).toBeUndefined()
  expect(executions).toBe(300)
})

interface Wrong {
  readonly frames: readonly Uint8Array[]
  readonly size: number
}

/** Wrong for frames that hold a byte above 127 and come with a size above 41. */
const wrong: Target<Wrong> = {
  name: 'wrong',
  generate: (draw) => ({ frames: draw.list(4, 20, () => draw.bytes(draw.length(50))), size: draw.below(1000) }),
  check: async ({ frames, size }) => {
    await Promise.resolve()
    same(size > 41 && frames.some((bytes) => bytes.some((byte) => byte > 127)), false, 'whether it is wrong')
  },
}

test('a failure tells its target, seed and execution, and the smallest case, which is the same each time', async () => {
  const plan = { seed: 5, time: Infinity, executions: 1000 }
  const { failure, executions } = await run(wrong as Target, plan)
  const { execution } = failure!
  expect(executions).toBe(execution + 1)
  const text = failureText(failure!)
  expect(text).toContain(`wrong failed, seed 5, execution ${execution}: Broken: whether it is wrong: true, not false`)
  expect(text).toContain(`npm run fuzz -- --target wrong --seed 5 --execution ${execution}`)
  expect(text).toMatch(/\n\nframes:\n {2}<[89a-f][\da-f]>\nsize: 42\n\n/)
  const again = await run(wrong as Target, { ...plan, first: execution, executions: 1 })
  expect(again.failure).toEqual(failure)
})

test('another seed makes other cases, and the same one the same', async () => {
  const casesOf = async (seed: number) => {
    const cases: unknown[] = []
    const noting: Target = { ...(wrong as Target), check: (fuzzed) => void cases.push(fuzzed) }
    await run(noting, { seed, time: Infinity, executions: 20 })
    return cases
  }
  const [first, same, other] = [await casesOf(1), await casesOf(1), await casesOf(2)]
  expect(same).toEqual(first)
  expect(other).not.toEqual(first)
})
