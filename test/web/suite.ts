/**
 * What the WebSockets Standard says and a program can observe: suites that know nothing of an implementation but its
 * constructor, and nothing of the test runner. They run on hawser, and on others to compare.
 */
import type { PeerConnection, PeerFrame, PeerRequest } from '../support/scripted-peer.ts'
import type { Case, Cases, Implementation } from './implementation.ts'
import { type RunningPeer, startSuitePeer } from './peer.ts'

/** As much of a WebSocket as the suites use. */
export interface Socket extends EventTarget {
  readonly url: string
  readonly readyState: number
  readonly bufferedAmount: number
  readonly protocol: string
  readonly extensions: string
  binaryType: string
  onopen: unknown
  onmessage: unknown
  onerror: unknown
  onclose: unknown
  send(...data: unknown[]): void
  close(...info: unknown[]): void
}

export type SocketClass = new (...parameters: unknown[]) => Socket

/** As much of a WebSocketStream. */
export interface Stream {
  readonly url: string
  readonly opened: Promise<{
    readonly readable: ReadableStream<unknown>
    readonly writable: WritableStream<unknown>
    readonly extensions: string
    readonly protocol: string
  }>
  readonly closed: Promise<{ readonly closeCode: number; readonly reason: string }>
  close(...info: unknown[]): void
}

export interface StreamClasses {
  readonly Stream: new (...parameters: unknown[]) => Stream
  readonly Failure: new (...parameters: unknown[]) => StreamFailure
}

/** As much of a WebSocketError. */
export interface StreamFailure extends DOMException {
  readonly closeCode: number | null
  readonly reason: string
}

/** What the peer does with a connection once it has read the request. */
export type PeerScript = (peer: PeerConnection, request: PeerRequest) => Promise<unknown>

/** What a case has to do with. */
export interface Context<C> {
  /** The class that is being tried. */
  readonly type: C
  /** Whether the handshake is HTTP/1.1, so that there is one to spoil. */
  readonly isHttp1: boolean
  /** The URL of a server that sends every message back. */
  readonly echo: string
  /** The URL of a server that does this. */
  serve(script: PeerScript): string
}

/** Reads until the client's Close frame; gives all frames that came. */
export async function untilClose(peer: PeerConnection): Promise<PeerFrame[]> {
  const frames: PeerFrame[] = []
  do frames.push(await peer.readFrame())
  while (frames.at(-1)!.opcode !== 8)
  return frames
}

export interface Runner {
  describe(name: string, define: () => void): unknown
  test(name: string, run: () => Promise<void>): unknown
  beforeAll(run: () => Promise<void>): unknown
  afterAll(run: () => Promise<void>): unknown
}

/** Defines a test for each case, but for those that need what the implementation lacks. */
export function behaviour<C>(
  implementation: Implementation<C>,
  groups: Readonly<Record<string, Cases<C>>>,
  runner: Runner,
): void {
  const left = leftOut(implementation, groups)
  runner.describe(implementation.name, () => {
    let peer: RunningPeer
    runner.beforeAll(async () => {
      peer = await startSuitePeer(implementation.httpVersion)
    })
    runner.afterAll(() => peer.close())
    for (const [group, cases] of Object.entries(groups)) {
      runner.describe(group, () => {
        for (const [name, run] of Object.entries(cases)) {
          if (!left.has(name)) runner.test(name, () => attempt(implementation, peer, run))
        }
      })
    }
  })
}

/** The cases that need what the implementation lacks; each has to be one of the suite's. */
function leftOut<C>({ lacks = {} }: Implementation<C>, groups: Readonly<Record<string, Cases<C>>>): Set<string> {
  const names = new Set(Object.values(groups).flatMap((cases) => Object.keys(cases)))
  const left = new Set(Object.values(lacks).flatMap(({ cases }) => cases))
  for (const name of left) if (!names.has(name)) throw new Error(`There is no case “${name}”`)
  return left
}

/** Runs one case; whatever it has opened ends with it. */
export async function attempt<C>(implementation: Implementation<C>, peer: RunningPeer, run: Case<C>): Promise<void> {
  try {
    await run({
      type: implementation.create(peer.ca),
      isHttp1: implementation.httpVersion === '1.1',
      echo: peer.echo,
      serve: peer.serve,
    })
  } finally {
    peer.cut()
  }
}
