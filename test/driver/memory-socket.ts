import type { MessageSocket, MessageSocketSink } from '../../src/transport/contracts.ts'

/** A MessageSocket in memory, on which a test does what no real socket does on demand. */
export class MemorySocket implements MessageSocket {
  bufferedAmount = 0
  readonly sent: (string | Uint8Array)[] = []
  /** The calls that are no sends, in order. */
  readonly calls: unknown[] = []
  /** What the next sends throw. */
  broken: Error | undefined
  /** What came before anybody listened. */
  readonly early: string[] = []
  #sink: MessageSocketSink | undefined

  get sink(): MessageSocketSink {
    return this.#sink!
  }

  attach(sink: MessageSocketSink): void {
    this.#sink = sink
    for (const message of this.early) sink.onMessage(message)
  }

  send(message: string | Uint8Array): void {
    if (this.broken !== undefined) throw this.broken
    this.sent.push(message)
  }

  close(code: number | undefined, reason: string): void {
    this.calls.push(['close', code, reason])
  }

  terminate(): void {
    this.calls.push('terminate')
  }
}
