/** `npm run test:deflate`: 10,000 messages for each combination of parameters, over each transport. */
import { afterAll, beforeAll, describe, test } from 'vitest'
import { COMBINATIONS, nameOf, runCombination, SITES, type Site } from './matrix.ts'

const MESSAGES = 10_000

describe.each(Object.entries(SITES))('over %s', (_, start) => {
  let site: Site
  beforeAll(async () => {
    site = await start()
  })
  afterAll(() => site.close())

  test.each(COMBINATIONS.map((combination) => [nameOf(combination), combination] as const))(
    '%s',
    async (_, combination) => {
      await runCombination(site, combination, MESSAGES)
    },
  )
})
