import { holds, same } from '../../contract/check.ts'
import { frame } from '../../support/scripted-peer.ts'
import type { Cases } from '../implementation.ts'
import type { Context, Socket, SocketClass } from '../suite.ts'
import { aWhile, closed, next, opened, type SocketEvent, throwsTypeError, uncaught } from '../watching.ts'

/** Opens a socket on which `echo` makes one message come; it resolves when all listeners have been called. */
async function echoed({ type, echo }: Context<SocketClass>) {
  const socket = await opened(new type(echo))
  return {
    socket,
    message: async (text = 'x') => {
      socket.send(text)
      await next(socket, 'message')
      await aWhile(1)
    },
  }
}

const EVENTS = ['open', 'message', 'error', 'close'] as const

/** Event handler attributes (HTML), and event listeners (DOM). */
export const listening: Cases<SocketClass> = {
  'a handler is called with the event, on the socket': async ({ type, echo }) => {
    const socket = new type(echo)
    const seen: string[] = []
    for (const name of EVENTS) {
      socket[`on${name}`] = function (this: unknown, event: Event, ...more: unknown[]) {
        holds(this === socket && more.length === 0, 'on the socket, with nothing else')
        seen.push(event.type)
      }
    }
    await opened(socket)
    socket.send('x')
    await next(socket, 'message')
    await closed(socket)
    same(seen, ['open', 'message', 'close'])
  },

  'onerror is called with the event': async ({ type }) => {
    const socket = new type('ws://127.0.0.1:9')
    const types = await new Promise((resolve) => {
      socket.onerror = (...given: unknown[]) => resolve(given.map((one) => (one as Event).type))
    })
    same(types, ['error'])
  },

  'a handler that is no object is null': async ({ type, echo }) => {
    const socket = await opened(new type(echo))
    for (const name of EVENTS) {
      for (const value of [undefined, null, 5, 'text', true, Symbol('x')]) {
        socket[`on${name}`] = () => {}
        socket[`on${name}`] = value
        same(socket[`on${name}`], null)
      }
    }
  },

  'a handler that is an object is kept, and not called': async (context) => {
    const { socket, message } = await echoed(context)
    const object = {
      handleEvent() {
        throw new Error('It was called')
      },
    }
    socket.onmessage = object
    holds(socket.onmessage === object, 'it is kept')
    same(await uncaught(() => message()), [])
  },

  'a handler that is a function is told': async ({ type, echo }) => {
    const socket = await opened(new type(echo))
    const handler = () => {}
    socket.onclose = handler
    holds(socket.onclose === handler, 'it is the same')
  },

  'a handler keeps its place among the listeners when it is replaced': async (context) => {
    const { socket, message } = await echoed(context)
    const order: string[] = []
    socket.addEventListener('message', () => order.push('first'))
    socket.onmessage = () => order.push('replaced')
    socket.addEventListener('message', () => order.push('last'))
    socket.onmessage = () => order.push('handler')
    await message()
    same(order, ['first', 'handler', 'last'])
  },

  'a handler that was null comes last': async (context) => {
    const { socket, message } = await echoed(context)
    const order: string[] = []
    socket.onmessage = () => order.push('given up')
    socket.addEventListener('message', () => order.push('first'))
    socket.onmessage = null
    socket.onmessage = () => order.push('handler')
    await message()
    same(order, ['first', 'handler'])
  },

  'what a handler returns does not matter to an event that cannot be cancelled': async (context) => {
    const { socket, message } = await echoed(context)
    let prevented: boolean | undefined
    socket.onmessage = () => false
    socket.addEventListener('message', (event) => {
      event.preventDefault()
      prevented = event.defaultPrevented
    })
    await message()
    same(prevented, false)
  },

  'a handler that returns false cancels an event that can be cancelled, and no other value does': async ({
    type,
    echo,
  }) => {
    const socket = new type(echo)
    for (const returned of [undefined, true, null, 0]) {
      socket.onmessage = () => returned
      same(socket.dispatchEvent(new Event('message', { cancelable: true })), true)
    }
    socket.onmessage = () => false
    same(socket.dispatchEvent(new Event('message', { cancelable: true })), false)
    same(socket.dispatchEvent(new Event('message')), true)
    await closed(socket)
  },

  'there have to be a type and a listener, which may be null': async ({ type, echo }) => {
    const socket = await opened(new type(echo))
    for (const method of ['addEventListener', 'removeEventListener'] as const) {
      const call = socket[method].bind(socket) as (...args: unknown[]) => void
      throwsTypeError(() => call())
      throwsTypeError(() => call('message'))
      call('message', null)
    }
  },

  'the same listener is called once': async (context) => {
    const { socket, message } = await echoed(context)
    let count = 0
    const listener = () => {
      count++
    }
    socket.addEventListener('message', listener)
    socket.addEventListener('message', listener, { once: true })
    socket.onmessage = listener
    await message()
    await message()
    same(count, 4)
  },

  'a listener that captures is another, and comes first': async (context) => {
    const { socket, message } = await echoed(context)
    const order: number[] = []
    socket.addEventListener('message', () => order.push(1))
    socket.addEventListener('message', () => order.push(2), true)
    socket.addEventListener('message', () => order.push(3), { capture: true })
    await message()
    same(order, [2, 3, 1])
  },

  'capturing belongs to what is removed': async (context) => {
    const { socket, message } = await echoed(context)
    let count = 0
    const listener = () => {
      count++
    }
    socket.addEventListener('message', listener, true)
    socket.removeEventListener('message', listener)
    await message()
    socket.removeEventListener('message', listener, { capture: true })
    await message()
    same(count, 1)
  },

  'a listener may be there once': async (context) => {
    const { socket, message } = await echoed(context)
    const seen: unknown[] = []
    socket.addEventListener('message', (event) => seen.push((event as SocketEvent).data), { once: true })
    await message('one')
    await message('two')
    same(seen, ['one'])
  },

  'a signal removes a listener': async (context) => {
    const { socket, message } = await echoed(context)
    const controller = new AbortController()
    const { signal } = controller
    let count = 0
    const listener = () => {
      count++
    }
    socket.addEventListener('message', listener, { signal })
    await message()
    controller.abort()
    await message()
    socket.addEventListener('message', listener, { signal })
    await message()
    same(count, 1)
  },

  'a listener may be an object with handleEvent': async (context) => {
    const { socket, message } = await echoed(context)
    const seen: unknown[] = []
    const listener = {
      handleEvent(event: Event) {
        holds(this === listener, 'it is called on itself')
        seen.push(event.type)
      },
    }
    socket.addEventListener('message', listener)
    await message()
    socket.removeEventListener('message', listener)
    await message()
    same(seen, ['message'])
  },

  'handleEvent is looked up when it is needed': async (context) => {
    const { socket, message } = await echoed(context)
    let count = 0
    const listener = {} as { handleEvent: () => void }
    socket.addEventListener('message', listener)
    listener.handleEvent = () => {
      count++
    }
    await message()
    same(count, 1)
  },

  'null is no listener, and what is no object a TypeError': async ({ type, echo }) => {
    const socket = await opened(new type(echo))
    const add = (listener: unknown) => socket.addEventListener('message', listener as () => void)
    add(null)
    throwsTypeError(() => add('text'))
    throwsTypeError(() => add(5))
    socket.removeEventListener('message', null as never)
  },

  'a listener that is removed by one before it is not called': async (context) => {
    const { socket, message } = await echoed(context)
    let isCalled = false
    const second = () => {
      isCalled = true
    }
    socket.addEventListener('message', () => socket.removeEventListener('message', second))
    socket.addEventListener('message', second)
    await message()
    same(isCalled, false)
  },

  'a listener that is added by another waits for the next event': async (context) => {
    const { socket, message } = await echoed(context)
    const seen: unknown[] = []
    const add = () =>
      socket.addEventListener('message', (event) => seen.push((event as SocketEvent).data), { once: true })
    socket.addEventListener('message', add, { once: true })
    await message('one')
    same(seen, [])
    await message('two')
    same(seen, ['two'])
  },

  'stopImmediatePropagation keeps it from those who follow': async (context) => {
    const { socket } = await echoed(context)
    let isCalled = false
    const stopped = new Promise<void>((resolve) => {
      socket.addEventListener('message', (event) => {
        event.stopImmediatePropagation()
        resolve()
      })
    })
    socket.onmessage = () => {
      isCalled = true
    }
    socket.send('x')
    await stopped
    await aWhile(5)
    same(isCalled, false)
  },

  'the names that events have had for long are still there': async (context) => {
    const { socket, message } = await echoed(context)
    const seen: unknown[] = []
    socket.addEventListener('message', (event) => {
      seen.push(event.srcElement === socket, event.returnValue, event.cancelBubble)
      event.cancelBubble = true
      seen.push(event.cancelBubble)
    })
    await message()
    same(seen, [true, true, false, true])
  },

  'a signal that is none is refused': async ({ type, echo }) => {
    const socket = await opened(new type(echo))
    const options = { signal: {} as AbortSignal }
    throwsTypeError(() => socket.addEventListener('message', () => {}, options))
  },

  'stopImmediatePropagation holds for that event alone': async ({ type, serve }) => {
    const url = serve(async (peer) => {
      await peer.accept()
      await peer.readFrame()
      await peer.write(Buffer.concat([frame(1, 'one'), frame(1, 'two')]))
    })
    const socket = await opened(new type(url))
    socket.addEventListener('message', (event) => {
      if ((event as SocketEvent).data === 'one') event.stopImmediatePropagation()
    })
    socket.send('now')
    same((await next(socket, 'message')).data, 'two')
  },

  'events can be dispatched by anybody': async ({ type, echo }) => {
    const socket = await opened(new type(echo))
    const seen: unknown[] = []
    socket.onmessage = (event: SocketEvent) => {
      holds(event.target === socket && event.currentTarget === socket, 'it is at the socket')
      seen.push(event.data, event.isTrusted)
    }
    socket.addEventListener('message', () => seen.push('listener'), { once: true })
    same(socket.dispatchEvent(new MessageEvent('message', { data: 'mine' })), true)
    same(socket.dispatchEvent(new MessageEvent('message', { data: 'again' })), true)
    same(seen, ['mine', false, 'listener', 'again', false])
    same(socket.readyState, 1)
  },

  'an event that is dispatched by somebody can be cancelled and stopped': async ({ type, echo }) => {
    const socket = await opened(new type(echo))
    const order: number[] = []
    socket.addEventListener('custom', (event) => {
      order.push(1)
      event.preventDefault()
      event.stopImmediatePropagation()
    })
    socket.addEventListener('custom', () => order.push(2))
    same(socket.dispatchEvent(new Event('custom', { cancelable: true })), false)
    same(socket.dispatchEvent(new Event('nobody listens', { cancelable: true })), true)
    same(order, [1])
  },

  'only an Event can be dispatched': async ({ type, echo }) => {
    const socket = await opened(new type(echo))
    for (const value of [{ type: 'message' }, 'message', undefined]) {
      throwsTypeError(() => socket.dispatchEvent(value as unknown as Event))
    }
  },

  'the functions of EventTarget are its own': async ({ type, echo }) => {
    const socket: Socket = await opened(new type(echo))
    const { addEventListener } = socket
    throwsTypeError(() => addEventListener.call({} as Socket, 'message', () => {}))
  },
}
