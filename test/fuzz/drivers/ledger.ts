/** What went in on one side, and what came out on the other: a prefix of it, in order, and nothing else. */
import { broken, show } from '../target.ts'

export interface Content {
  readonly isText: boolean
  readonly bytes: Uint8Array
}

export function contentOf(message: string | Uint8Array): Content {
  const isText = typeof message === 'string'
  // What comes out may be a view of memory that is used again.
  return { isText, bytes: isText ? Buffer.from(message) : new Uint8Array(message) }
}

function isSame(a: Content, b: Content): boolean {
  return a.isText === b.isText && Buffer.compare(a.bytes, b.bytes) === 0
}

/** What somebody sent. */
export interface Sent {
  content(): Content
  /** Whether it need not arrive though what follows does, or could never arrive as a whole. */
  mayBeMissing(): boolean
}

/** What somebody received. A message in pieces may not be complete. */
export interface Received {
  readonly isText: boolean
  readonly pieces: readonly (string | Uint8Array)[]
  readonly isComplete: boolean
}

/** Whether what was received is the beginning of what was sent; all of it, if all has to have arrived. */
export function judgeReceived(
  sent: readonly Sent[],
  received: readonly Received[],
  { who, isAll }: { readonly who: string; readonly isAll: boolean },
): void {
  // Since some may be missing, one that came may be any of several.
  let next = reachable(sent, [0])
  for (const [i, one] of received.entries()) {
    const fitting = next.filter((at) => at < sent.length && fits(one, sent[at]!))
    if (fitting.length === 0) {
      const possible = next.map((at) => show(sent[at]?.content()))
      broken(`${who} received ${show(toContent(one))} as number ${i}, not one of ${possible.join(', ')}`)
    }
    next = reachable(
      sent,
      fitting.map((at) => at + 1),
    )
  }
  if (isAll && !next.includes(sent.length)) broken(`${who} never received ${show(sent[next.at(-1)!]!.content())}`)
}

/** These places, and those behind them with nothing between that has to arrive. */
function reachable(sent: readonly Sent[], places: readonly number[]): number[] {
  const all = new Set<number>()
  for (const place of places) {
    for (let at = place; !all.has(at); at++) {
      all.add(at)
      if (!sent[at]?.mayBeMissing()) break
    }
  }
  return [...all].sort((a, b) => a - b)
}

function fits(received: Received, sent: Sent): boolean {
  const [actual, expected] = [toContent(received), sent.content()]
  if (received.isComplete) return isSame(actual, expected)
  const isPrefix = Buffer.compare(actual.bytes, expected.bytes.subarray(0, actual.bytes.length)) === 0
  return actual.isText === expected.isText && isPrefix
}

function toContent({ isText, pieces }: Received): Content {
  // Pieces of text may end within a character, which strings are not cut in.
  return { isText, bytes: Buffer.concat(pieces.map((piece) => Buffer.from(piece as Uint8Array))) }
}
