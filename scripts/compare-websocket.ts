/**
 * Runs what the WebSockets Standard says, as far as a program can observe it, on hawser's classes and on those of
 * others, and prints who passes what. Fails if hawser fails anything that undici or Node passes.
 */
import { WebSocketError as UndiciError, WebSocketStream as UndiciStream, WebSocket as UndiciWebSocket } from 'undici'
import { WebSocket as WsWebSocket } from 'ws'
import { WebSocket } from '../src/web/websocket.ts'
import { WebSocketError, WebSocketStream } from '../src/web/websocketstream.ts'
import { WEBSOCKET } from '../test/web/behaviour/groups.ts'
import {
  type Case,
  type Cases,
  type Implementation,
  mergeOptions,
  mergeProtocols,
  withOptions,
} from '../test/web/implementation.ts'
import { type RunningPeer, startSuitePeer } from '../test/web/peer.ts'
import { WEBSOCKETSTREAM } from '../test/web/stream-behaviour/groups.ts'
import { attempt, type SocketClass, type StreamClasses } from '../test/web/suite.ts'

/** Long enough for every case; what takes longer hangs. */
const TIME = 4000

type Groups<C> = Readonly<Record<string, Cases<C>>>

/** By clause, why it was failed; empty if it was passed. */
type Results = ReadonlyMap<string, string>

const http2 = (ca: string) => ({ httpVersion: '2', httpVersionPolicy: 'exact', tls: { ca } })
const socketClass = (type: unknown) => type as SocketClass
const streamClasses = (Stream: unknown, Failure: unknown) => ({ Stream, Failure }) as StreamClasses

const SOCKETS: readonly Implementation<SocketClass>[] = [
  { name: 'hawser', httpVersion: '1.1', create: () => socketClass(WebSocket) },
  {
    name: 'hawser, HTTP/2',
    httpVersion: '2',
    create: (ca) => withOptions(socketClass(WebSocket), http2(ca), mergeProtocols),
  },
  { name: 'undici', httpVersion: '1.1', create: () => socketClass(UndiciWebSocket) },
  { name: 'Node', httpVersion: '1.1', create: () => socketClass(globalThis.WebSocket) },
  { name: 'ws', httpVersion: '1.1', create: () => socketClass(WsWebSocket) },
]

const STREAMS: readonly Implementation<StreamClasses>[] = [
  { name: 'hawser', httpVersion: '1.1', create: () => streamClasses(WebSocketStream, WebSocketError) },
  {
    name: 'hawser, HTTP/2',
    httpVersion: '2',
    create: (ca) => {
      const Stream = withOptions(streamClasses(WebSocketStream, WebSocketError).Stream, http2(ca), mergeOptions)
      return streamClasses(Stream, WebSocketError)
    },
  },
  { name: 'undici', httpVersion: '1.1', create: () => streamClasses(UndiciStream, UndiciError) },
]

// A class may throw where nobody can catch it when its connection is cut after a case: that is not what is judged here.
process.on('uncaughtException', () => {})
process.on('unhandledRejection', () => {})
process.removeAllListeners('warning')

async function resultsOf<C>(implementation: Implementation<C>, groups: Groups<C>): Promise<Results> {
  const peer = await startSuitePeer(implementation.httpVersion)
  const results = new Map<string, string>()
  for (const [group, cases] of Object.entries(groups)) {
    for (const [name, run] of Object.entries(cases)) {
      results.set(`${group}: ${name}`, await verdict(implementation, peer, run))
    }
  }
  // What a script of the peer misses, its case has failed with.
  await peer.close().catch(() => {})
  return results
}

async function verdict<C>(implementation: Implementation<C>, peer: RunningPeer, run: Case<C>): Promise<string> {
  let timer: ReturnType<typeof setTimeout> | undefined
  const hangs = new Promise<string>((resolve) => {
    timer = setTimeout(() => resolve('It hangs.'), TIME)
  })
  const judged = attempt(implementation, peer, run).then(
    () => '',
    (error) => (error instanceof Error ? error.message : String(error)),
  )
  const result = await Promise.race([judged, hangs])
  clearTimeout(timer)
  peer.cut()
  return result
}

/**
 * Prints one line for each group, and one for each clause that somebody fails. Gives what hawser fails and a model
 * passes.
 */
async function compare<C>(title: string, implementations: readonly Implementation<C>[], groups: Groups<C>) {
  const all = new Map<string, Results>()
  for (const implementation of implementations) {
    all.set(implementation.name, await resultsOf(implementation, groups))
  }
  const names = [...all.keys()]
  const rows = Object.entries(groups).map(([group, cases]) => {
    const clauses = Object.keys(cases).map((name) => `${group}: ${name}`)
    return [
      group,
      clauses.length,
      ...names.map((name) => clauses.filter((clause) => all.get(name)!.get(clause) === '').length),
    ]
  })
  const sums = rows[0]!.slice(1).map((_, i) => rows.reduce((sum, row) => sum + Number(row[i + 1]), 0))
  print(`${title}: clauses passed`, ['', 'clauses', ...names], [...rows, ['all', ...sums]])
  const clauses = [...all.get(names[0]!)!.keys()].filter((clause) =>
    names.some((name) => all.get(name)!.get(clause) !== ''),
  )
  const marks = clauses.map((clause) => [
    clause,
    ...names.map((name) => (all.get(name)!.get(clause) === '' ? 'yes' : 'NO')),
  ])
  if (marks.length > 0) print(`${title}: clauses that not all pass`, ['', ...names], marks)
  return clauses.filter((clause) => {
    const passes = (name: string) => all.get(name)?.get(clause) === ''
    const failing = names.filter((name) => name.startsWith('hawser') && !passes(name))
    for (const name of failing) console.log(`${name} fails “${clause}”: ${all.get(name)!.get(clause)}`)
    return failing.length > 0 && (passes('undici') || passes('Node'))
  })
}

function print(title: string, head: readonly unknown[], rows: readonly (readonly unknown[])[]): void {
  const table = [head, ...rows].map((row) => row.map(String))
  const widths = head.map((_, i) => Math.max(...table.map((row) => row[i]!.length)))
  console.log(`\n${title}\n`)
  for (const row of table)
    console.log(row.map((cell, i) => (i === 0 ? cell.padEnd(widths[i]!) : cell.padStart(widths[i]!))).join('  '))
}

console.log(`Node ${process.version}`)
const behind = [
  ...(await compare('WebSocket', SOCKETS, WEBSOCKET)),
  ...(await compare('WebSocketStream', STREAMS, WEBSOCKETSTREAM)),
]
console.log(`\nhawser fails ${behind.length} clauses that undici or Node passes.`)
process.exit(behind.length > 0 ? 1 : 0)
