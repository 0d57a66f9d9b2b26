/** One case on one transport: all its exchanges, and what went otherwise than it should. */
import type { ClientReport } from './client.ts'
import { describe, messageOf } from './content.ts'
import { cutsOf, encodeCase } from './encoding.ts'
import { inParallel } from './parallel.ts'
import type { Case } from './script.ts'
import type { Performance, ScriptServer } from './server.ts'
import type { ConformanceTransport } from './transports.ts'

/** Far more than an exchange takes, in milliseconds; large messages have more. */
const LIMIT = 30_000
const LIMIT_PER_MIB = 2_000
/** How long the server may take to be through after the client is. */
const GRACE = 10_000

/** How many exchanges of a case may run at a time. */
const AT_A_TIME = 8

export const PASS = 'pass'

export interface CaseResult {
  /** PASS, or what happened. */
  readonly verdict: string
  readonly exchanges: number
}

/** Runs a case; the first cut with which it goes wrong is the verdict. */
export async function runCase(it: Case, transport: ConformanceTransport, server: ScriptServer): Promise<CaseResult> {
  const says = encodeCase(it)
  const cuts = cutsOf(it, says)
  const messages = await Promise.all(it.outcome.messages.map((content) => describe(messageOf(content))))
  const failures: string[] = []
  await inParallel(cuts, AT_A_TIME, async (cut, index) => {
    // All before the first that failed have begun, so that the verdict does not hang on which was faster.
    if (failures.length > 0) return
    const problems = await runOnce({ case: it, says, cut }, messages, transport, server)
    if (problems.length > 0) failures[index] = `${cut.name}: ${problems.join('; ')}`
  })
  return { verdict: failures.find((failure) => failure !== undefined) ?? PASS, exchanges: cuts.length }
}

async function runOnce(
  performance: Performance,
  messages: readonly string[],
  transport: ConformanceTransport,
  server: ScriptServer,
): Promise<string[]> {
  const it = performance.case
  const size = performance.says.reduce((sum, { length }) => sum + length, 0)
  using expectation = server.expect(performance)
  const limit = LIMIT + (size >> 20) * LIMIT_PER_MIB
  const report = await within(limit, transport.run(it.client ?? {}, expectation.path), undefined)
  if (report === undefined) {
    expectation.cut()
    return ['the client is not through in time', (await expectation.outcome) ?? 'the server is']
  }
  const problem = await within(GRACE, expectation.outcome, 'the server is not through when the client is')
  const differences = judge(it, messages, report)
  if (report.transport !== undefined && report.transport !== transport.name) {
    differences.push(`the transport is ${report.transport}`)
  }
  return problem === undefined ? differences : [problem, ...differences]
}

/** What the client's user should not have seen. */
function judge({ outcome, answer }: Case, messages: readonly string[], report: ClientReport): string[] {
  const { error, state, closeStatus, reason = '', pongs = 0 } = outcome
  const differences: string[] = []
  const compare = (what: string, seen: unknown, expected: unknown) => {
    if (seen !== expected) differences.push(`${what} is ${seen ?? 'none'}, not ${expected ?? 'none'}`)
  }
  compare('the error', report.error, error)
  compare('the state', report.state, state)
  compare('closeStatus', report.closeStatus, closeStatus)
  compare('the reason', report.reason, reason)
  compare('the number of answered Pings', report.pongs, pongs)
  compareMessages(report.messages, messages, differences)
  const isAgreed = answer !== undefined && !error?.startsWith('HandshakeError')
  compare('extensions', report.extensions.split(';')[0]!.trim(), isAgreed ? 'permessage-deflate' : '')
  return differences
}

function compareMessages(seen: readonly string[], expected: readonly string[], differences: string[]): void {
  const index = seen.findIndex((message, i) => message !== expected[i])
  if (index >= 0) differences.push(`message ${index + 1} is ${seen[index]}, not ${expected[index] ?? 'any'}`)
  else if (seen.length < expected.length) differences.push(`there are ${seen.length} messages, not ${expected.length}`)
}

/** What a promise gives, or `otherwise` when it takes too long. */
async function within<T, O>(milliseconds: number, promise: Promise<T>, otherwise: O): Promise<T | O> {
  let timer: ReturnType<typeof setTimeout> | undefined
  const late = new Promise<O>((resolve) => {
    timer = setTimeout(resolve, milliseconds, otherwise)
  })
  try {
    return await Promise.race([promise, late])
  } finally {
    clearTimeout(timer)
  }
}
