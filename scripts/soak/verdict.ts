/** What is measured, in words; and what must not be. */
import type { Figures } from './client.ts'
import type { WorkerFigures } from './workerd.ts'

/** What must not grow: `external` is what buffers and zlib have outside of the heap, where that is known. */
export type Level = Pick<Figures, 'heap'> & Partial<Pick<Figures, 'external'>>

const MiB = 1024 * 1024
/** By how much either may have grown after the warm-up. */
const GROWTH = 0.05
/** Bytes that it may always have grown by, in a short run. */
const NOISE = 2 * MiB

const mib = (bytes: number) => `${(bytes / MiB).toFixed(1)} MiB`
const listOf = (handles: Figures['handles']) =>
  Object.entries(handles)
    .map(([name, count]) => `${count} ${name}`)
    .join(' ') || 'no handles'

export function linesOf(figures: Figures | WorkerFigures): string {
  const parts = [`heap ${mib(figures.heap)}`]
  if ('external' in figures) parts.push(`external ${mib(figures.external)}`)
  parts.push(`RSS ${mib(figures.rss)}`, `${figures.slabsLent} slabs lent`)
  if ('handles' in figures) parts.push(`${figures.sockets} sockets in the heap`, listOf(figures.handles))
  return parts.join(', ')
}

export interface Rest {
  readonly label: string
  readonly figures: Figures | WorkerFigures
  /** How many are open; undefined where the heap cannot tell. */
  readonly sockets?: number
  /** What the heap is compared with, at last. */
  readonly first: Level | undefined
  readonly isShort: boolean
}

/** What is wrong at rest. */
export function rested({ label, figures, sockets, first, isShort }: Rest): string[] {
  const wrong: string[] = []
  if (figures.slabsLent !== 0) wrong.push(`${label}: ${figures.slabsLent} slabs of the core's memory are not back`)
  if (sockets !== undefined && 'sockets' in figures && figures.sockets !== sockets) {
    wrong.push(`${label}: the heap holds ${figures.sockets} sockets, where ${sockets} are open`)
  }
  if (first === undefined) return wrong
  const last: Level = figures
  for (const what of ['heap', 'external'] as const) {
    const [before = 0, after = 0] = [first[what], last[what]]
    if (after <= before + Math.max(GROWTH * before, isShort ? NOISE : 0)) continue
    const growth = ((after / before - 1) * 100).toFixed(1)
    wrong.push(`${label}: memory (${what}) has grown by ${growth} %, from ${mib(before)} to ${mib(after)}`)
  }
  return wrong
}

/** What is wrong when all is closed. */
export function ended(label: string, { slabsLent, sockets, handles }: Figures, exits: boolean): string[] {
  const wrong: string[] = []
  if (slabsLent !== 0) wrong.push(`${label}: ${slabsLent} slabs of the core's memory are not back after the end`)
  if (sockets !== 0) wrong.push(`${label}: the heap holds ${sockets} sockets after the end`)
  if (Object.keys(handles).length > 0) wrong.push(`${label}: ${listOf(handles)} left after the end`)
  if (!exits) wrong.push(`${label}: the process does not end by itself`)
  return wrong
}
