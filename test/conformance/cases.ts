/** All cases, by group. */
import { closing } from './groups/close.ts'
import { compression } from './groups/compression.ts'
import { deflateData } from './groups/deflate-data.ts'
import { extensions } from './groups/extensions.ts'
import { fragmentation } from './groups/fragmentation.ts'
import { framing } from './groups/framing.ts'
import { lengths } from './groups/lengths.ts'
import { limits } from './groups/limits.ts'
import { masking } from './groups/masking.ts'
import { opcodes } from './groups/opcodes.ts'
import { pings } from './groups/pings.ts'
import { reserved } from './groups/reserved.ts'
import { sizes } from './groups/sizes.ts'
import { utf8 } from './groups/utf8.ts'
import type { Case } from './script.ts'

export interface Group {
  readonly name: string
  readonly cases: readonly Case[]
  /** How many cases may run at a time. */
  readonly atATime: number
}

const AT_A_TIME = 16
/** Where messages are large, memory and time limits are the measure. */
const LARGE_AT_A_TIME = 4

const group = (name: string, cases: readonly Case[], atATime = AT_A_TIME): Group => ({ name, cases, atATime })

export const GROUPS: readonly Group[] = [
  group('framing', framing),
  group('lengths', lengths),
  group('masking', masking),
  group('pings', pings),
  group('reserved bits', reserved),
  group('opcodes', opcodes),
  group('fragmentation', fragmentation),
  group('utf-8', utf8),
  group('close', closing),
  group('sizes', sizes, LARGE_AT_A_TIME),
  group('limits', limits),
  group('compression', compression),
  group('deflate data', deflateData),
  group('extensions', extensions),
]

/** Whether the name of a case or of its group contains a text. */
export function isCaseSelected(only: string, group: string, name: string): boolean {
  return group.includes(only) || name.includes(only)
}

/** The groups, with those of their cases that are selected. */
export function selectedGroups(only: string): readonly Group[] {
  return GROUPS.map((each) => ({
    ...each,
    cases: each.cases.filter(({ name }) => isCaseSelected(only, each.name, name)),
  }))
}

for (const { name, cases } of GROUPS) {
  const names = new Set(cases.map((it) => it.name))
  if (names.size < cases.length) throw new Error(`Two cases of ${name} have the same name`)
}
