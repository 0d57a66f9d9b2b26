import type { Message } from '../../../src/protocol/message-parts.ts'
import type { PartSink } from '../../../src/protocol/message-reader.ts'
import type { ProtocolSink } from '../../../src/protocol/protocol.ts'

export interface Wishes {
  /** The numbers of the messages that are taken as streams. */
  readonly streamed: readonly number[]
  /** Every so many times that it is asked there is no room for more; 0 is never. */
  readonly fullEvery: number
}

/** Notes what a protocol tells, each event on a line. */
export class Recorder implements ProtocolSink {
  readonly events: string[] = []
  isAwaited = true
  readonly #wishes: Wishes
  #asked = 0
  #messages = 0

  constructor(wishes: Wishes) {
    this.#wishes = wishes
  }

  get isFull(): boolean {
    const { fullEvery } = this.#wishes
    return fullEvery > 0 && ++this.#asked % fullEvery === 0
  }

  onMessage(message: Message): void {
    this.#note(typeof message === 'string', Buffer.from(message as string))
  }

  takeStream(isText: boolean): PartSink | undefined {
    if (!this.#wishes.streamed.includes(this.#messages)) return undefined
    const pieces: Uint8Array[] = []
    const isFull = () => this.isFull
    return {
      get isFull() {
        return isFull()
      },
      write: (memory, from, to) => pieces.push(memory.slice(from, to)),
      end: () => this.#note(isText, Buffer.concat(pieces)),
    }
  }

  onPong(payload: Uint8Array): void {
    this.events.push(`pong ${Buffer.from(payload).toString('hex')}`)
  }

  onClose(code: number, reason: string): void {
    this.events.push(`close ${code} ${reason}`)
  }

  #note(isText: boolean, content: Buffer): void {
    this.#messages++
    this.events.push(`${isText ? 'text' : 'binary'} ${content.toString('hex')}`)
  }
}
