/**
 * Every fault at every step on every transport: the table of what both sides know afterwards. Whatever goes wrong, each
 * send is either received or known to have failed, each receive ends, each error is a documented one, all within the
 * time limits.
 */
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { createAuthority } from '../support/certificates.ts'
import { FAULTS } from '../support/faulty-proxy.ts'
import { type Cell, playCell, reasonAgainst } from './cells.ts'
import { expectedOf } from './expected.ts'
import { type ExchangeServer, startExchangeServer } from './server.ts'
import { STEPS } from './steps.ts'
import { tableOf } from './table.ts'
import { COLUMNS, type Players, startPlayers } from './transports.ts'

/** Cells that are played at the same time: most of them wait. */
const AT_ONCE = 24
const ALL = STEPS.flatMap((step) => FAULTS.flatMap((fault) => COLUMNS.map((column) => ({ step, fault, column }))))

const cells = new Map<string, Cell>()
let server: ExchangeServer
let players: Players

beforeAll(async () => {
  const authority = await createAuthority()
  const certificate = await authority.issue()
  server = await startExchangeServer()
  players = await startPlayers(authority.ca)
  const left = ALL.values()
  const playOn = async () => {
    for (const { step, fault, column } of left) {
      const cell = await playCell(column, step, fault, { server, certificate, play: players.play })
      cells.set(keyOf(step.name, fault, column.name), cell)
    }
  }
  await Promise.all(Array.from({ length: AT_ONCE }, playOn))
}, 120_000)
afterAll(async () => {
  console.log(tableOf((step, fault, column) => cells.get(keyOf(step, fault, column))))
  await players.close()
  await server.close()
})

function keyOf(...names: readonly string[]): string {
  return names.join('/')
}

describe.each(COLUMNS)('over $name, a fault at', (column) => {
  test.each(STEPS)('$name', (step) => {
    const reason = reasonAgainst(step, column)
    for (const fault of FAULTS) {
      const cell = cells.get(keyOf(step.name, fault, column.name))
      expect(cell?.broken, fault).toEqual([])
      expect(reason === undefined ? expectedOf(step.name, fault, column.name) : [reason], fault).toContain(
        cell?.outcome,
      )
    }
  })
})
