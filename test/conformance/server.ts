/** The server's side of an exchange: a server whose path names the script that it performs. */
import { isUtf8 } from 'node:buffer'
import { type AddressInfo, createServer, type Socket } from 'node:net'
import { setImmediate } from 'node:timers/promises'
import { ConnectionEnded, PeerConnection, type PeerRequest } from '../support/scripted-peer.ts'
import { bytesOf, isText } from './content.ts'
import { agreementOf } from './deflate.ts'
import { type Cut, WHOLE, writesOf } from './encoding.ts'
import { demand, type Heard, Hearing, show } from './hearing.ts'
import { BINARY, type Case, CLOSE, type Step, TEXT } from './script.ts'

/** How long a client may take to let go of a connection that it refuses, in milliseconds. */
const LETS_GO_WITHIN = 5_000

/** A case, with its bytes made and one way to cut them. */
export interface Performance {
  readonly case: Case
  readonly says: readonly Buffer[]
  readonly cut: Cut
}

export interface ScriptServer {
  readonly port: number
  expect(performance: Performance): Expectation
  close(): Promise<void>
}

/** One client that is waited for. */
export class Expectation {
  readonly path: string
  readonly performance: Performance
  readonly #outcome = Promise.withResolvers<string | undefined>()
  #peer: PeerConnection | undefined

  constructor(path: string, performance: Performance) {
    this.path = path
    this.performance = performance
  }

  /** Undefined if all went as the script says, otherwise what did not. To be asked when the client is through. */
  get outcome(): Promise<string | undefined> {
    return this.#peer === undefined ? Promise.resolve('the client did not come to the server') : this.#outcome.promise
  }

  async meet(peer: PeerConnection, request: PeerRequest): Promise<void> {
    this.#peer = peer
    this.#outcome.resolve(await new Performer(peer, this.performance).run(request))
    peer.socket.destroy()
  }

  /** Ends the performance where it stands. */
  cut(): void {
    this.#peer?.socket.destroy()
  }

  [Symbol.dispose](): void {
    this.cut()
  }
}

export async function startScriptServer(): Promise<ScriptServer> {
  const expected = new Map<string, Expectation>()
  const open = new Set<Socket>()
  let count = 0
  const meet = async (peer: PeerConnection) => {
    const request = await peer.readRequest()
    const path = request.head.split(' ')[1]!
    const expectation = expected.get(path)
    demand(expectation !== undefined, 'nobody is expected there')
    expected.delete(path)
    await expectation.meet(peer, request)
  }
  const server = createServer({ allowHalfOpen: true }, (socket) => {
    open.add(socket)
    socket.on('close', () => open.delete(socket))
    meet(new PeerConnection(socket, socket)).catch(() => socket.destroy())
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return {
    port: (server.address() as AddressInfo).port,
    expect: (performance) => {
      const expectation = new Expectation(`/${++count}`, performance)
      expected.set(expectation.path, expectation)
      return expectation
    },
    close: async () => {
      for (const socket of open) socket.destroy()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}

/** Performs a script on one connection. */
class Performer {
  readonly #peer: PeerConnection
  readonly #performance: Performance
  readonly #hearing: Hearing
  #said = 0

  constructor(peer: PeerConnection, performance: Performance) {
    this.#peer = peer
    this.#performance = performance
    this.#hearing = new Hearing(peer, agreementOf(String(performance.case.answer ?? '')))
  }

  /** Gives what did not go as it should. */
  async run(request: PeerRequest): Promise<string | undefined> {
    const { script } = this.#performance.case
    let at = 'opening'
    try {
      this.#judgeOffer(request)
      await this.#accept()
      for (const [index, step] of script.entries()) {
        at = `step ${index + 1} (${step.kind})`
        await this.#perform(step)
      }
      return undefined
    } catch (error) {
      return `server at ${at}: ${error instanceof ConnectionEnded ? 'the connection has ended' : (error as Error).message}`
    }
  }

  #judgeOffer({ headers }: PeerRequest): void {
    const { offer } = this.#performance.case
    const offered = headers.get('sec-websocket-extensions')
    demand(normalized(offered) === normalized(offer), `offered is ${offered ?? 'nothing'}, not ${offer ?? 'nothing'}`)
  }

  async #accept(): Promise<void> {
    const { case: it, says } = this.#performance
    const fields = [it.answer ?? []].flat().map((value) => `Sec-WebSocket-Extensions: ${value}`)
    const acceptance = Buffer.from(this.#peer.acceptance(fields), 'latin1')
    if (it.eager) this.#said++
    await this.#peer.write(it.eager ? Buffer.concat([acceptance, says[0]!]) : acceptance)
  }

  async #perform(step: Step): Promise<void> {
    switch (step.kind) {
      case 'say':
        return await this.#say(step)
      case 'hear message':
        return await this.#hearMessage(step)
      case 'hear control':
        return this.#expect(step.opcode, step.payload, await this.#hearing.next())
      case 'hear close':
        return await this.#hearClose(step)
      case 'hear end':
        return await this.#hearEnd()
      case 'hear gone':
        return await this.#hearGone()
      case 'end':
        return this.#peer.end()
    }
  }

  /**
   * Each write leaves by itself, and has the time to arrive by itself. But a client that is to fail the connection
   * waits only so long for the server's end: once it has said a word, what is left is written in one.
   */
  async #say(step: Step & { kind: 'say' }): Promise<void> {
    const { case: it, says, cut } = this.#performance
    if (it.eager && it.script[0] === step) return
    const bytes = says[this.#said++]!
    let written = 0
    for (const piece of writesOf(bytes, step.isWhole ? WHOLE : cut)) {
      const isAnswered = it.outcome.state === 'aborted' && this.#peer.socket.readableLength > 0
      const next = isAnswered ? bytes.subarray(written) : piece
      await this.#peer.write(next)
      await setImmediate()
      written += next.length
      if (written === bytes.length) return
    }
  }

  async #hearMessage({ content, isCompressed }: Step & { kind: 'hear message' }): Promise<void> {
    const heard = await this.#hearing.next()
    this.#expect(isText(content) ? TEXT : BINARY, bytesOf(content), heard)
    const how = heard.isCompressed ? 'compressed' : 'not compressed'
    demand(isCompressed === undefined || isCompressed === heard.isCompressed, `the message is ${how}`)
  }

  async #hearClose({ code, reason }: Step & { kind: 'hear close' }): Promise<void> {
    const { opcode, payload } = await this.#hearing.next()
    const seen = payload.length === 0 ? undefined : payload.readUInt16BE()
    const text = payload.subarray(2)
    demand(opcode === CLOSE && seen === code, `heard ${show(opcode, payload)}, not Close ${code ?? 'without a code'}`)
    demand(isUtf8(text) && (reason === undefined || reason === text.toString()), `the reason is ${text}`)
  }

  async #hearEnd(): Promise<void> {
    await this.#peer.readEnd()
    demand(this.#peer.socket.readableEnded, 'the client cut the connection')
  }

  async #hearGone(): Promise<void> {
    const timer = setTimeout(() => this.#peer.socket.destroy(), LETS_GO_WITHIN)
    await this.#peer.readEnd()
    clearTimeout(timer)
    demand(!this.#peer.socket.destroyed || this.#peer.socket.readableEnded, 'the client does not let go')
  }

  #expect(opcode: number, payload: Uint8Array, heard: Heard): void {
    const same = heard.opcode === opcode && heard.payload.equals(payload)
    demand(same, `heard ${show(heard.opcode, heard.payload)}, not ${show(opcode, payload)}`)
  }
}

/** An offer without regard to white space and the order of its parameters. */
function normalized(offer: string | undefined): string | undefined {
  return offer?.split(',').map(normalizedElement).join()
}

function normalizedElement(element: string): string {
  const [name, ...parameters] = element.split(';').map((part) => part.replaceAll(' ', ''))
  return [name, ...parameters.toSorted()].join(';')
}
