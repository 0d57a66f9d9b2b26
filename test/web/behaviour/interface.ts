import { holds, same } from '../../contract/check.ts'
import type { Cases } from '../implementation.ts'
import type { Socket, SocketClass } from '../suite.ts'
import { opened, throwsTypeError } from '../watching.ts'

const STATES = { CONNECTING: 0, OPEN: 1, CLOSING: 2, CLOSED: 3 }
const READ_ONLY = ['url', 'readyState', 'bufferedAmount', 'extensions', 'protocol']
const WRITABLE = ['onopen', 'onmessage', 'onerror', 'onclose', 'binaryType']

function prototypeOf(type: SocketClass): Socket {
  return (type as unknown as { prototype: Socket }).prototype
}

/** "Interface definition", as Web IDL brings it into JavaScript. */
export const interfaces: Cases<SocketClass> = {
  'the states are constants of the class and of its objects': async ({ type }) => {
    for (const [name, value] of Object.entries(STATES)) {
      for (const owner of [type, prototypeOf(type)]) {
        const expected = { value, writable: false, enumerable: true, configurable: false }
        same(Object.getOwnPropertyDescriptor(owner, name), expected, name)
      }
    }
  },

  'attributes are accessors of the prototype, and enumerable': async ({ type }) => {
    for (const name of [...READ_ONLY, ...WRITABLE]) {
      const descriptor = Object.getOwnPropertyDescriptor(prototypeOf(type), name)
      holds(typeof descriptor?.get === 'function' && descriptor.enumerable === true, `${name} is one`)
      same(typeof descriptor?.set, READ_ONLY.includes(name) ? 'undefined' : 'function', `the setter of ${name}`)
    }
  },

  'the methods are enumerable': async ({ type }) => {
    for (const name of ['send', 'close']) {
      same(Object.getOwnPropertyDescriptor(prototypeOf(type), name)?.enumerable, true, name)
    }
  },

  'functions say how many arguments they need': async ({ type }) => {
    const { send, close, addEventListener, removeEventListener } = prototypeOf(type)
    same([type.length, send.length, close.length], [1, 1, 0])
    same([addEventListener.length, removeEventListener.length], [2, 2])
  },

  'it is called WebSocket': async ({ type, echo }) => {
    same(type.name, 'WebSocket')
    const socket = await opened(new type(echo))
    same(Object.prototype.toString.call(socket), '[object WebSocket]')
    const tag = Object.getOwnPropertyDescriptor(prototypeOf(type), Symbol.toStringTag)
    same(tag, { value: 'WebSocket', writable: false, enumerable: false, configurable: true })
  },

  'it is an EventTarget': async ({ type, echo }) => {
    holds((await opened(new type(echo))) instanceof EventTarget, 'its objects are')
    holds(Object.getPrototypeOf(prototypeOf(type)) === EventTarget.prototype, 'its prototype inherits from that')
  },

  'attributes that are read-only stay as they are': async ({ type, echo }) => {
    const socket = await opened(new type(echo))
    for (const name of READ_ONLY) throwsTypeError(() => Object.assign(socket, { [name]: 'changed' }))
    same(socket.readyState, 1)
  },

  'its members need one of its objects': async ({ type }) => {
    for (const name of [...READ_ONLY, ...WRITABLE]) throwsTypeError(() => Reflect.get(prototypeOf(type), name, {}))
    throwsTypeError(() => prototypeOf(type).send.call({} as Socket, 'x'))
    throwsTypeError(() => prototypeOf(type).close.call({} as Socket))
  },

  'an object has no members of its own that can be seen': async ({ type, echo }) => {
    same(Object.keys(await opened(new type(echo))), [])
  },

  'it can be subclassed': async ({ type, echo }) => {
    class Mine extends type {
      override send(data: unknown) {
        super.send(`${data}!`)
      }
      mine = 'mine'
    }
    const socket = (await opened(new Mine(echo))) as Mine
    holds(socket instanceof type && socket.mine === 'mine', 'it is one')
    const message = new Promise((resolve) => {
      socket.onmessage = ({ data }: MessageEvent) => resolve(data)
    })
    socket.send('x')
    same(await message, 'x!')
  },
}
