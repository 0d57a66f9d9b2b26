import { holds, same } from '../../contract/check.ts'
import { closePayload, frame } from '../../support/scripted-peer.ts'
import type { Cases } from '../implementation.ts'
import { type Context, type PeerScript, type Socket, type SocketClass, untilClose } from '../suite.ts'
import { opened, received, recorded, type SocketEvent, uncaught } from '../watching.ts'

const BYTES = Buffer.from([0, 1, 2, 253, 254, 255])

/** A peer that sends frames in one write, when the client has said something. */
function sending(...frames: readonly Buffer[]): PeerScript {
  return async (peer) => {
    await peer.accept()
    await peer.readFrame()
    await peer.write(Buffer.concat(frames))
    await untilClose(peer)
    peer.end()
  }
}

/** Opens a socket to a peer that sends frames, and lets it. */
async function told({ type, serve }: Context<SocketClass>, ...frames: readonly Buffer[]): Promise<Socket> {
  const socket = await opened(new type(serve(sending(...frames))))
  socket.send('now')
  return socket
}

async function events(socket: Socket, count: number): Promise<SocketEvent[]> {
  const taken: SocketEvent[] = []
  return new Promise((resolve) => {
    socket.onmessage = (event: SocketEvent) => {
      if (taken.push(event) === count) resolve(taken)
    }
  })
}

async function bytesOf(data: unknown): Promise<number[]> {
  return [...new Uint8Array(data instanceof Blob ? await data.arrayBuffer() : (data as ArrayBuffer))]
}

/** "When a WebSocket message has been received". */
export const messages: Cases<SocketClass> = {
  'text is a string': async (context) => {
    const texts = ['', 'ascii', 'aé€😀z', 'x'.repeat(70_000), '\u0000']
    same(await received(await told(context, ...texts.map((text) => frame(1, text))), texts.length), texts)
  },

  'a byte order mark belongs to the text': async (context) => {
    same(await received(await told(context, frame(1, '\ufefftext')), 1), ['\ufefftext'])
  },

  'bytes are a Blob': async (context) => {
    const [event] = await events(await told(context, frame(2, BYTES)), 1)
    holds(event!.data instanceof Blob, 'it is a Blob')
    same((event!.data as Blob).type, '')
    same(await bytesOf(event!.data), [...BYTES])
  },

  'bytes are an ArrayBuffer if that is what is wanted': async (context) => {
    const socket = await told(context, frame(2, BYTES), frame(2, ''), frame(2, Buffer.alloc(70_000, 1)))
    socket.binaryType = 'arraybuffer'
    const taken = await events(socket, 3)
    for (const { data } of taken) holds(data instanceof ArrayBuffer, 'it is an ArrayBuffer')
    same(await bytesOf(taken[0]!.data), [...BYTES])
    same((taken[1]!.data as ArrayBuffer).byteLength, 0)
    same((taken[2]!.data as ArrayBuffer).byteLength, 70_000)
  },

  'bytes that came together are an ArrayBuffer each': async (context) => {
    const sent = [1, 2, 3].map((value) => Buffer.alloc(100, value))
    const socket = await told(context, ...sent.map((bytes) => frame(2, bytes)))
    socket.binaryType = 'arraybuffer'
    const taken = await events(socket, 3)
    for (const [i, { data }] of taken.entries()) same(await bytesOf(data), [...sent[i]!])
  },

  'binaryType holds from one message to the next': async (context) => {
    const socket = await told(context, frame(2, BYTES), frame(2, BYTES), frame(2, BYTES))
    const kinds: string[] = []
    await new Promise<void>((resolve) => {
      socket.onmessage = ({ data }: SocketEvent) => {
        socket.binaryType = socket.binaryType === 'blob' ? 'arraybuffer' : 'blob'
        if (kinds.push(data instanceof Blob ? 'blob' : 'arraybuffer') === 3) resolve()
      }
    })
    same(kinds, ['blob', 'arraybuffer', 'blob'])
  },

  'binaryType stays as it is when set to something else': async ({ type, echo }) => {
    const socket = await opened(new type(echo))
    socket.binaryType = 'arraybuffer'
    for (const other of ['', 'Blob', 'nodebuffer', undefined, null, 5]) {
      socket.binaryType = other as string
      same(socket.binaryType, 'arraybuffer')
    }
    socket.binaryType = 'blob'
    same(socket.binaryType, 'blob')
  },

  'the data of an event is always the same': async (context) => {
    const [event] = await events(await told(context, frame(2, BYTES)), 1)
    const { data } = event!
    holds(data === event!.data, 'it is')
  },

  'a message is a MessageEvent, with the origin of the URL': async (context) => {
    const socket = await told(context, frame(1, 'x'))
    const [event] = (await events(socket, 1)) as [SocketEvent & MessageEvent]
    holds(event instanceof MessageEvent && event instanceof Event, 'it is one')
    same(event.origin, new URL(socket.url).origin)
    same([event.type, event.lastEventId, event.source, event.ports], ['message', '', null, []])
    same([event.bubbles, event.cancelable, event.composed, event.defaultPrevented], [false, false, false, false])
    same(Object.prototype.toString.call(event), '[object MessageEvent]')
  },

  'an event tells where it is': async (context) => {
    const socket = await told(context, frame(1, 'x'))
    const event = await new Promise<Event>((resolve) => {
      socket.onmessage = (given: Event) => {
        holds(given.target === socket && given.currentTarget === socket, 'it is at the socket')
        same([given.eventPhase, given.composedPath().length], [2, 1])
        resolve(given)
      }
    })
    holds(event.target === socket && event.currentTarget === null, 'it has been there')
    same([event.eventPhase, event.composedPath()], [0, []])
  },

  'an event is copied as others are': async (context) => {
    const [event] = await events(await told(context, frame(1, 'x')), 1)
    const copy = new MessageEvent(event!.type, event as MessageEventInit)
    same([copy.type, copy.data, copy.origin], ['message', 'x', event!.origin])
    const Same = event!.constructor as typeof MessageEvent
    same(new Same('other', { data: 1 }).data, 1)
  },

  'an event can be dispatched elsewhere once it is over': async (context) => {
    const [event] = await events(await told(context, frame(1, 'x')), 1)
    const elsewhere = new EventTarget()
    let data: unknown
    elsewhere.addEventListener('message', (given) => {
      data = (given as MessageEvent).data
    })
    elsewhere.dispatchEvent(event!)
    same(data, 'x')
  },

  'the time of an event is that of its coming': async (context) => {
    const before = performance.now()
    const [event] = await events(await told(context, frame(1, 'x')), 1)
    holds(event!.timeStamp >= before && event!.timeStamp <= performance.now(), 'it is')
  },

  'an event comes from the user agent': async (context) => {
    const [event] = await events(await told(context, frame(1, 'x')), 1)
    same(event!.isTrusted, true)
  },

  'messages come in order, fragments as one, control frames unseen': async (context) => {
    const fragments = [frame(1, 'a', { fin: false }), frame(9, 'ping'), frame(0, 'b', { fin: false }), frame(0, 'c')]
    const socket = await told(context, frame(1, 'first'), ...fragments, frame(10, 'pong'), frame(1, 'last'))
    same(await received(socket, 3), ['first', 'abc', 'last'])
  },

  'many messages at once come in order': async (context) => {
    const texts = Array.from({ length: 5000 }, (_, index) => `message ${index}`)
    same(await received(await told(context, ...texts.map((text) => frame(1, text))), texts.length), texts)
  },

  'who takes one message after the other misses none': async (context) => {
    const texts = Array.from({ length: 10 }, (_, index) => `message ${index}`)
    const socket = await told(context, ...texts.map((text) => frame(1, text)))
    const taken: unknown[] = []
    const one = () =>
      new Promise<Event>((resolve) => socket.addEventListener('message', resolve as () => void, { once: true }))
    for (const _ of texts) taken.push(((await one()) as SocketEvent).data)
    same(taken, texts)
  },

  'who sets onmessage anew for each message misses none': async (context) => {
    const texts = Array.from({ length: 10 }, (_, index) => `message ${index}`)
    const socket = await told(context, ...texts.map((text) => frame(1, text)))
    const taken: unknown[] = []
    const one = () =>
      new Promise<SocketEvent>((resolve) => {
        socket.onmessage = resolve as () => void
      })
    for (const _ of texts) taken.push((await one()).data)
    same(taken, texts)
  },

  'what a listener throws is reported, and stops nothing': async (context) => {
    const socket = await told(context, frame(1, 'one'), frame(1, 'two'))
    const seen: unknown[] = []
    const errors = await uncaught(async () => {
      const both = new Promise<void>((resolve) => {
        socket.onmessage = ({ data }: SocketEvent) => {
          throw new Error(`${data}`)
        }
        socket.addEventListener('message', (event) => {
          if (seen.push((event as SocketEvent).data) === 2) resolve()
        })
      })
      await both
    })
    same(seen, ['one', 'two'])
    same(
      errors.map((error) => (error as Error).message),
      ['one', 'two'],
    )
    same(socket.readyState, 1)
  },

  'messages before the Close frame come before close': async (context) => {
    const socket = await told(context, frame(1, 'one'), frame(1, 'two'), frame(8, closePayload(3000)))
    const { events: seen, closed } = recorded(socket)
    await closed
    same(seen, [
      ['message', 1],
      ['message', 1],
      ['close', 3],
    ])
  },

  'no message comes after close was called': async (context) => {
    const socket = await told(context, frame(1, 'one'), frame(1, 'two'), frame(8, closePayload(3000)))
    const seen: unknown[] = []
    socket.onmessage = ({ data }: SocketEvent) => {
      seen.push(data)
      socket.close()
    }
    await recorded(socket).closed
    same(seen, ['one'])
  },
}
