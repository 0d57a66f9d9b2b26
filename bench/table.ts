/** The results on a terminal: for each row what the peers did, then hawser's ratios with their spread and goals. */
import type { Figures, Metric } from './job.ts'
import type { Ratio } from './measure.ts'
import type { RowResult } from './runner.ts'

const METRICS: readonly Metric[] = ['rate', 'p50', 'p99', 'cpu', 'memory', 'time', 'server']
const PEER_WIDTH = 24
/** From here on the server may be what is measured. */
const SERVER_LIMIT = 0.95

/** Three digits that count, with a prefix. */
export function short(value: number): string {
  const prefixes = ['', 'k', 'M', 'G']
  let power = 0
  while (value >= 1000 && power < prefixes.length - 1) {
    value /= 1000
    power++
  }
  const digits = value >= 100 ? 0 : value >= 10 ? 1 : 2
  return `${value.toFixed(digits)}${prefixes[power]}`
}

export function show(metric: Metric, value: number, unit: string): string {
  if (metric === 'rate') return `${short(value)} ${unit}/s`
  if (metric === 'memory') return `${(value / 1024).toFixed(1)} KiB`
  if (metric === 'time') return `${value.toFixed(1)} ms`
  if (metric === 'server') return `server ${Math.round(value * 100)} %${value > SERVER_LIMIT ? ' (the limit)' : ''}`
  return `${metric} ${value < 1 ? value.toFixed(3) : value.toFixed(1)} µs`
}

function showFigures(figures: Figures, unit: string): string {
  // Of bytes and of whole processes the CPU time is of no use.
  const metrics = METRICS.filter((metric) => figures[metric] !== undefined && !(metric === 'cpu' && unit === 'bytes'))
  return metrics.map((metric) => show(metric, figures[metric]!, unit).padEnd(20)).join('')
}

function showRatio({ metric, of, against, median, lowest, highest, goal }: Ratio): string {
  const digits = (value: number) => value.toFixed(value >= 10 ? 1 : 2)
  const ratio = `${of} ÷ ${against}`.padEnd(40)
  const spread = `(${digits(lowest)} to ${digits(highest)})`.padEnd(18)
  const judged = goal && `goal ${goal.bound} ${digits(goal.value)}  ${goal.isMet ? 'met' : 'NOT MET'}`
  return `    ${ratio} ${metric.padEnd(7)}${digits(median).padStart(7)}  ${spread} ${judged ?? ''}`.trimEnd()
}

export function showRow({ name, unit, figures, ratios }: RowResult): string {
  const peers = Object.entries(figures).map(([peer, each]) =>
    `  ${peer.padEnd(PEER_WIDTH)}${showFigures(each, unit)}`.trimEnd(),
  )
  return [name, ...peers, ...ratios.map(showRatio), ''].join('\n')
}

/** How many goals were reached, and which were not. */
export function showSummary(results: readonly RowResult[]): string {
  const judged = results.flatMap(({ name, ratios }) => ratios.flatMap((ratio) => (ratio.goal ? [{ name, ratio }] : [])))
  const missed = judged.filter(({ ratio }) => !ratio.goal!.isMet)
  const lines = missed.map(({ name, ratio }) => `  ${name.padEnd(34)}${showRatio(ratio).trim()}`)
  return [`${judged.length - missed.length} of ${judged.length} goals met.`, ...lines].join('\n')
}
