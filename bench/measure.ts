/** Medians, ratios of rounds, and what they say about a goal. */
import type { Figures, Metric } from './job.ts'
import type { PeerName } from './peers.ts'
import type { Goal } from './rows.ts'

/** What each peer did, round by round. */
export type Rounds = Readonly<Partial<Record<PeerName, readonly Figures[]>>>

export interface Ratio {
  readonly metric: Metric
  readonly of: PeerName
  readonly against: PeerName
  /** The median of the rounds' ratios, and their lowest and highest. */
  readonly median: number
  readonly lowest: number
  readonly highest: number
  readonly goal?: { readonly bound: 'at least' | 'at most'; readonly value: number; readonly isMet: boolean }
}

export function median(numbers: readonly number[]): number {
  const sorted = numbers.toSorted((a, b) => a - b)
  const half = sorted.length >> 1
  return sorted.length % 2 === 1 ? sorted[half]! : (sorted[half - 1]! + sorted[half]!) / 2
}

/** The median of each figure. */
export function medians(rounds: readonly Figures[]): Figures {
  const metrics = Object.keys(rounds[0] ?? {}) as Metric[]
  return Object.fromEntries(metrics.map((metric) => [metric, median(rounds.map((figures) => figures[metric]!))]))
}

/** How two peers compare in rounds that ran side by side; undefined when one of them was left out. */
export function ratioOf(goal: Goal, rounds: Rounds): Ratio | undefined {
  const { metric, of, against, bound, value } = goal
  const [ours, theirs] = [rounds[of], rounds[against]]
  if (ours === undefined || theirs === undefined) return undefined
  const ratios = ours.map((figures, i) => figures[metric]! / theirs[i]![metric]!)
  const middle = median(ratios)
  const isMet = bound === 'at least' ? middle >= value! : middle <= value!
  return {
    metric,
    of,
    against,
    median: middle,
    lowest: Math.min(...ratios),
    highest: Math.max(...ratios),
    ...(value !== undefined && { goal: { bound, value, isMet } }),
  }
}
