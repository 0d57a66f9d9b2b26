/** Bar charts as SVG, light or dark as the reader's system is. */
import type { Machine } from './machine.ts'
import { metricOf, ROWS } from './rows.ts'
import type { RowResult } from './runner.ts'
import { show } from './table.ts'

const WIDTH = 820
const LEFT = 200
const RIGHT = 150
const BAR = 15
const GAP = 4
const HEAD = 48
const GROUP_GAP = 30
const FOOT = 58

const STYLE = `
  text { font: 12px system-ui, sans-serif; fill: #1f2328 }
  .title { font-size: 16px; font-weight: 600 }
  .row { font-weight: 600 }
  .note { font-size: 10.5px; fill: #59636e }
  .paper { fill: #ffffff }
  .bar { fill: #aab4c0 }
  .ours { fill: #0b7285 }
  .limit { fill: #d9dee4 }
  @media (prefers-color-scheme: dark) {
    text { fill: #e6edf3 }
    .note { fill: #9198a1 }
    .paper { fill: #0d1117 }
    .bar { fill: #5a6675 }
    .ours { fill: #22b8cf }
    .limit { fill: #343d48 }
  }`

const escaped = (text: string) => text.replace(/[&<>"]/g, (character) => `&#${character.charCodeAt(0)};`)

const rowOf = (name: string) => ROWS.find((row) => row.name === name)!

function label(x: number, y: number, kind: string, text: string, anchor = 'start'): string {
  return `<text x="${x.toFixed(1)}" y="${y}" class="${kind}" text-anchor="${anchor}">${escaped(text)}</text>`
}

function barClass(peer: string): string {
  if (peer.includes('hawser')) return 'ours'
  return peer.startsWith('raw ') || peer === 'memory.copy' ? 'limit' : 'bar'
}

/** One row: its name, then a bar for each peer, the longest one over the whole width. */
function drawRow(result: RowResult, top: number): { svg: string; height: number } {
  const metric = metricOf(rowOf(result.name))
  const bars = Object.entries(result.figures).map(([peer, figures]) => ({ peer, value: figures[metric]! }))
  const longest = Math.max(...bars.map(({ value }) => value))
  const lines = bars.map(({ peer, value }, i) => {
    const y = top + 8 + i * (BAR + GAP)
    const width = Math.max(1, ((WIDTH - LEFT - RIGHT) * value) / longest)
    const bar = `<rect x="${LEFT}" y="${y}" width="${width.toFixed(1)}" height="${BAR}" rx="2" class="${barClass(peer)}"/>`
    const figure = label(LEFT + width + 6, y + 12, 'figure', show(metric, value, result.unit))
    return `${label(LEFT - 8, y + 12, 'peer', peer, 'end')}${bar}${figure}`
  })
  return {
    svg: [label(16, top, 'row', result.name), ...lines].join('\n'),
    height: bars.length * (BAR + GAP) + GROUP_GAP,
  }
}

/** The chart of the rows of a group. It says how it was made. */
export function drawChart(title: string, results: readonly RowResult[], machine: Machine, command: string): string {
  let top = HEAD + 20
  const rows = results.map((result) => {
    const { svg, height } = drawRow(result, top)
    top += height
    return svg
  })
  const height = top + FOOT - GROUP_GAP
  const better = metricOf(rowOf(results[0]!.name)) === 'rate' ? 'more' : 'less'
  const note = `${machine.runtime}, ${machine.processor} (${machine.cores} cores), ${machine.system}, ${machine.date}`
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${height}" width="${WIDTH}" height="${height}" role="img" aria-label="${escaped(title)}">
<style>${STYLE}
</style>
<rect width="${WIDTH}" height="${height}" class="paper"/>
${label(16, 28, 'title', title)}
${rows.join('\n')}
${label(16, height - 26, 'note', `${command}: medians, ${better} is better`)}
${label(16, height - 11, 'note', note)}
</svg>
`
}

/**
 * The charts of a run, by the names of their files: of the rows that a quick run has as well, since all would be too
 * much to look at.
 */
export function drawCharts(results: readonly RowResult[], machine: Machine, command: string): Map<string, string> {
  const charted = results.filter(({ name }) => rowOf(name).isQuick)
  const groups = Map.groupBy(charted, ({ group }) => group)
  const charts = [...groups].map(([title, rows]) => {
    const name = title.toLowerCase().replace(/[^a-z0-9]+/g, '-')
    return [`${name}.svg`, drawChart(title, rows, machine, command)] as const
  })
  return new Map(charts)
}
