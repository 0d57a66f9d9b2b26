/** Puts together what both sides say of each socket, and finds what cannot be. */
import type { End, Report } from './life.ts'
import type { Account } from './server.ts'

/** Of these both sides must agree that nothing is missing. */
const CLEAN: readonly End[] = ['server closes', 'close', 'close at rest']
const CLOSED_BY_CLIENT: readonly End[] = ['close', 'close at rest']

function judge(report: Report, record: Account): string | undefined {
  const { end, isClean, sent, rejected, received, failure } = report
  if (report.fault ?? record.fault) return report.fault ?? record.fault
  if (record.received > sent) return `${record.received} messages have come to the server, ${sent} were sent`
  if (received > record.echoed) return `${received} messages have come back, ${record.echoed} were sent back`
  if (end === 'lost') return record.severed ? undefined : 'it was lost, and nobody has cut it'
  if (!isClean && CLEAN.includes(end) && !record.severed) return `the closing handshake has failed: ${failure}`
  if (!isClean) return undefined
  if (!CLEAN.includes(end)) return `its end was clean, which it cannot be`
  if (CLOSED_BY_CLIENT.includes(end)) {
    if (rejected > 0) return `${rejected} sends have failed before close()`
    if (record.received < sent) return `${sent - record.received} messages that were sent before close() are lost`
  }
  const mustHave = end === 'close at rest' ? sent : end === 'server closes' ? record.echoed : 0
  return received < mustHave ? `${mustHave - received} messages of the server are lost` : undefined
}

export class Ledger {
  readonly faults: string[] = []
  /** Sockets that are over, by how they ended. */
  readonly ends = new Map<End, number>()
  /** Messages that were sent, that came to the server, and that came back. */
  sent = 0
  taken = 0
  returned = 0
  retries = 0
  readonly #reports = new Map<string, Report>()
  readonly #records = new Map<string, Account>()

  report(report: Report): void {
    const record = this.#records.get(report.id)
    if (record === undefined) this.#reports.set(report.id, report)
    else this.#settle(report, record)
  }

  /**
   * Over HTTP/2 a handshake that was lost with its connection is made again: the server then knows the socket twice.
   */
  record(record: Account): void {
    if (record.received === 0 && record.fault === undefined) return
    const report = this.#reports.get(record.id)
    if (report === undefined) this.#records.set(record.id, record)
    else this.#settle(report, record)
  }

  /** To be called when all is over. */
  close(): void {
    // To these nothing has come.
    for (const report of [...this.#reports.values()]) {
      const severed = report.id.startsWith('http2')
      this.#settle(report, { id: report.id, received: 0, echoed: 0, severed, fault: undefined })
    }
    for (const { id } of this.#records.values()) {
      this.faults.push(`${id}: messages have come over it, and the client has not told of it`)
    }
  }

  #settle(report: Report, record: Account): void {
    this.#reports.delete(report.id)
    this.#records.delete(report.id)
    this.ends.set(report.end, (this.ends.get(report.end) ?? 0) + 1)
    this.sent += report.sent
    this.taken += record.received
    this.returned += report.received
    const fault = judge(report, record)
    if (fault === undefined) return
    const status = `${report.isClean ? 'clean' : 'not clean'}, ${report.closeStatus}`
    const story = `${report.end}, ${status}: ${report.sent} sent, ${record.received} at the server`
    this.faults.push(`${report.id} (${story}, ${record.echoed} sent back, ${report.received} received): ${fault}`)
  }
}
