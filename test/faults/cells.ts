/**
 * One cell of the table: an exchange in which something goes wrong at one place, and what both sides know of it
 * afterwards.
 */
import { setTimeout as later } from 'node:timers/promises'
import type { Certificate } from '../support/certificates.ts'
import { type Fault, startFaultyProxy } from '../support/faulty-proxy.ts'
import type { ClientReport } from './client.ts'
import { rulesBroken } from './rules.ts'
import type { ExchangeServer, ServerReport } from './server.ts'
import type { Step } from './steps.ts'
import type { Column, Play } from './transports.ts'

export interface Cell {
  /**
   * How it ended, for the client and for the server, in short; or why there is no such step, once all was exchanged
   * undisturbed.
   */
  readonly outcome: string
  /** The rules that do not hold. */
  readonly broken: readonly string[]
}

export interface Surroundings {
  readonly server: ExchangeServer
  readonly certificate: Certificate
  readonly play: Play
}

/** For the server to hear of the end, and for the client to let go of the connection. */
const AFTERMATH = 500
const UNDISTURBED = 'closed 1000 | 1000'

/** Why a transport has no such step; undefined if it has. */
export function reasonAgainst(step: Step, column: Column): string | undefined {
  if (step.name === 'TLS handshake' && !column.secure) return 'there is no TLS'
  if (step.name === "between the client's fragments" && column.runtimeFrames) {
    return 'the runtime sends a message in one frame'
  }
  return undefined
}

export async function playCell(column: Column, step: Step, fault: Fault, around: Surroundings): Promise<Cell> {
  const { httpVersion, secure } = column
  const id = crypto.randomUUID()
  const proxy = await startFaultyProxy({
    target: around.server.ports[httpVersion],
    tls: secure ? around.certificate : undefined,
    alpn: [httpVersion === '2' ? 'h2' : 'http/1.1'],
    place: step.place(httpVersion),
    fault,
  })
  try {
    const client = await around.play(column, `${proxy.url}/?id=${id}&closes=${step.closes}`, step.closes)
    const server = await lastReport(around.server, id)
    const reason = reasonAgainst(step, column)
    const isIntact = !(column.runtimeFrames && fault === 'corrupt')
    const broken = [...rulesBroken({ client, server, closes: step.closes, isIntact })]
    if (proxy.hasStruck() !== (reason === undefined)) broken.push('the fault was where it should be')
    const isGone = await Promise.race([proxy.clientGone().then(() => true), later(AFTERMATH, false)])
    if (column.ownsConnection && !isGone) broken.push('the client lets go of the connection')
    const outcome = `${forClient(client)} | ${forServer(server)}`
    return { outcome: reason !== undefined && outcome === UNDISTURBED ? reason : outcome, broken }
  } finally {
    await proxy.close()
  }
}

async function lastReport(server: ExchangeServer, id: string): Promise<ServerReport | undefined> {
  for (const until = performance.now() + AFTERMATH; performance.now() < until; await later(10)) {
    const report = server.reportOf(id)
    if (report?.closed) return report
  }
  return server.reportOf(id)
}

function forClient({ refusal, state, closeStatus, end }: ClientReport): string {
  return refusal || `${state} ${closeStatus}${end === '' ? '' : ` ${end}`}`
}

function forServer(report: ServerReport | undefined): string {
  if (report === undefined) return 'no socket'
  return report.closed === 0 ? 'still open' : `${report.closed}`
}
