import { holds, rejection, same } from '../../contract/check.ts'
import type { Cases } from '../implementation.ts'
import type { StreamClasses, StreamFailure } from '../suite.ts'
import { throwsDom, throwsTypeError } from '../watching.ts'

/** Nothing listens there. */
const NOWHERE = 'ws://127.0.0.1:9'

/** The WebSocketStream constructor, and its attributes. */
export const constructing: Cases<StreamClasses> = {
  'the URL is judged as that of a WebSocket': async ({ type: { Stream } }) => {
    for (const url of ['nothing', 'ftp://host', `${NOWHERE}/#`, `${NOWHERE}/#x`]) {
      throwsDom('SyntaxError', () => new Stream(url))
    }
    throwsTypeError(() => new Stream())
  },

  'the URL is serialized, as ws or wss': async ({ type: { Stream } }) => {
    for (const [given, url] of [
      ['http://127.0.0.1:9', `${NOWHERE}/`],
      ['https://127.0.0.1:9/a b', 'wss://127.0.0.1:9/a%20b'],
    ]) {
      const stream = new Stream(given)
      same(stream.url, url)
      await Promise.allSettled([stream.opened, stream.closed])
    }
  },

  'subprotocols are tokens, each of them once': async ({ type: { Stream } }) => {
    for (const protocols of [['a', 'a'], ['a b'], ['']]) {
      throwsDom('SyntaxError', () => new Stream(NOWHERE, { protocols }))
    }
  },

  'subprotocols are a sequence': async ({ type: { Stream } }) => {
    for (const protocols of ['a', 5, {}]) throwsTypeError(() => new Stream(NOWHERE, { protocols }))
  },

  'the options are an object': async ({ type: { Stream } }) => {
    for (const options of ['a', 5, true]) throwsTypeError(() => new Stream(NOWHERE, options))
  },

  'the signal is an AbortSignal': async ({ type: { Stream } }) => {
    for (const signal of ['a', {}]) throwsTypeError(() => new Stream(NOWHERE, { signal }))
  },

  'it is called WebSocketStream': async ({ type: { Stream }, echo }) => {
    const stream = new Stream(echo)
    same(Object.prototype.toString.call(stream), '[object WebSocketStream]')
    same([Stream.name, Stream.length, Object.keys(stream)], ['WebSocketStream', 1, []])
    await stream.opened
  },

  'its members are enumerable, and need one of its objects': async ({ type: { Stream } }) => {
    const { prototype } = Stream as unknown as { prototype: object }
    for (const name of ['url', 'opened', 'closed', 'close']) {
      same(Object.getOwnPropertyDescriptor(prototype, name)?.enumerable, true, name)
    }
    throwsTypeError(() => Reflect.get(prototype, 'url', {}))
  },

  'its promises are always the same': async ({ type: { Stream }, echo }) => {
    const stream = new Stream(echo)
    const { opened, closed } = stream
    holds(opened === stream.opened && closed === stream.closed, 'they are')
    await opened
  },

  'a signal that is aborted already ends it': async ({ type: { Stream }, serve }) => {
    const reason = new Error('no')
    const stream = new Stream(
      serve(async () => {
        throw new Error('It connected')
      }),
      { signal: AbortSignal.abort(reason) },
    )
    holds((await rejection(stream.opened)) === reason, 'opened rejects with the reason')
    holds((await rejection(stream.closed)) === reason, 'so does closed')
  },

  'a signal ends the handshake': async ({ type: { Stream }, serve }) => {
    const controller = new AbortController()
    const reason = new Error('no longer')
    const url = serve(async () => {
      controller.abort(reason)
    })
    const stream = new Stream(url, { signal: controller.signal })
    holds((await rejection(stream.opened)) === reason, 'opened rejects with the reason')
    holds((await rejection(stream.closed)) === reason, 'so does closed')
  },

  'a signal does nothing once it is open': async ({ type: { Stream }, echo }) => {
    const controller = new AbortController()
    const stream = new Stream(echo, { signal: controller.signal })
    const { readable, writable } = await stream.opened
    controller.abort()
    await writable.getWriter().write('still there')
    same((await readable.getReader().read()).value, 'still there')
  },
}

/** The WebSocketError interface. */
export const failure: Cases<StreamClasses> = {
  'it is a DOMException of its own name': async ({ type: { Failure } }) => {
    const error = new Failure()
    holds(error instanceof Failure && error instanceof DOMException && error instanceof Error, 'it is')
    same([error.name, error.code, error.message], ['WebSocketError', 0, ''])
    same([error.closeCode, error.reason], [null, ''])
    same(new Failure('why').message, 'why')
  },

  'it has code and reason': async ({ type: { Failure } }) => {
    const both = ({ closeCode, reason }: StreamFailure) => [closeCode, reason]
    same(both(new Failure('', { closeCode: 3456, reason: 'pizza' })), [3456, 'pizza'])
    same(both(new Failure('', { closeCode: 1000 })), [1000, ''])
    same(both(new Failure('', { closeCode: undefined })), [null, ''])
    same(both(new Failure('', { reason: 'x'.repeat(123) })), [1000, 'x'.repeat(123)])
    same(both(new Failure('', { reason: '' })), [null, ''])
  },

  'code and reason are checked': async ({ type: { Failure } }) => {
    for (const closeCode of [0, 999, 1001, 1006, 2999, 5000]) {
      throwsDom('InvalidAccessError', () => new Failure('', { closeCode }))
    }
    throwsDom('SyntaxError', () => new Failure('', { reason: 'x'.repeat(124) }))
    throwsDom('SyntaxError', () => new Failure('', { reason: '€'.repeat(42) }))
  },

  'code is a number in range': async ({ type: { Failure } }) => {
    for (const closeCode of [-1, 65_536, Number.NaN, Infinity, 'x', {}]) {
      throwsTypeError(() => new Failure('', { closeCode }))
    }
  },
}
