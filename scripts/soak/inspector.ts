/** Looks into an isolate of workerd, as its debugger does. */
import { once } from 'node:events'
import { WebSocket } from 'ws'

/** What the debugger says: an answer with an id, or a part of a snapshot. */
interface Said {
  readonly id?: number
  readonly params?: { readonly chunk?: string }
}

/** As much of a snapshot as is needed: each node is a row of `nodes`, whose columns are `node_fields`. */
interface Snapshot {
  readonly snapshot: {
    readonly meta: { readonly node_fields: readonly string[]; readonly node_types: readonly [readonly string[]] }
  }
  readonly nodes: readonly number[]
}

/** Grow for long after the warm-up: what V8 compiles, again and better, and what the runtime itself holds. */
const NOT_OF_THE_PROGRAM = ['code', 'native']

function sizeOf({ snapshot, nodes }: Snapshot): number {
  const { node_fields: fields, node_types: types } = snapshot.meta
  const [type, size] = [fields.indexOf('type'), fields.indexOf('self_size')]
  let sum = 0
  for (let at = 0; at < nodes.length; at += fields.length) {
    if (!NOT_OF_THE_PROGRAM.includes(types[0][nodes[at + type]!]!)) sum += nodes[at + size]!
  }
  return sum
}

export class Inspector {
  readonly #socket: WebSocket
  #serial = 0

  private constructor(socket: WebSocket) {
    this.#socket = socket
  }

  static async open(url: URL): Promise<Inspector> {
    const socket = new WebSocket(url)
    await once(socket, 'open')
    return new Inspector(socket)
  }

  /**
   * Bytes of the objects and strings in the heap, without compiled code, when garbage has been collected. workerd never
   * answers `HeapProfiler.collectGarbage`; a snapshot collects first.
   */
  async heap(): Promise<number> {
    await this.#snapshot()
    return sizeOf(JSON.parse(await this.#snapshot()) as Snapshot)
  }

  close(): void {
    this.#socket.terminate()
  }

  #snapshot(): Promise<string> {
    const id = ++this.#serial
    const chunks: string[] = []
    return new Promise((resolve) => {
      const onMessage = (data: Buffer) => {
        const said = JSON.parse(data.toString()) as Said
        if (said.params?.chunk !== undefined) chunks.push(said.params.chunk)
        if (said.id !== id) return
        this.#socket.off('message', onMessage)
        resolve(chunks.join(''))
      }
      this.#socket.on('message', onMessage)
      this.#socket.send(JSON.stringify({ id, method: 'HeapProfiler.takeHeapSnapshot' }))
    })
  }
}
