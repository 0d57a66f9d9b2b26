import { describe, expect, test, vi } from 'vitest'
import {
  ConnectionClosedError,
  HandshakeError,
  HawserError,
  InvalidStateError,
  MessageTooBigError,
  OptionsError,
  ProtocolError,
  TimeoutError,
} from '../src/errors.ts'

const MADE: Readonly<Record<string, () => Error & { readonly code: string }>> = {
  HandshakeError: () => new HandshakeError('UPGRADE_REFUSED', 'text'),
  ConnectionClosedError: () => new ConnectionClosedError('text'),
  ProtocolError: () => new ProtocolError('rule', 1002, 'text'),
  MessageTooBigError: () => new MessageTooBigError('text', 1),
  InvalidStateError: () => new InvalidStateError('text', 'none'),
  TimeoutError: () => new TimeoutError('KEEP_ALIVE_TIMEOUT', 'text', 1),
  OptionsError: () => new OptionsError('url', 'text'),
}

const TYPES = {
  HawserError,
  HandshakeError,
  ConnectionClosedError,
  ProtocolError,
  MessageTooBigError,
  InvalidStateError,
  TimeoutError,
  OptionsError,
}

/** What each is, besides itself. */
const PARENTS: Readonly<Record<string, readonly string[]>> = {
  ProtocolError: ['ConnectionClosedError'],
  MessageTooBigError: ['ConnectionClosedError'],
}

describe.each(Object.keys(MADE))('%s', (name) => {
  test('is an error of its own types, and of no other', () => {
    const error = MADE[name]!()
    const expected = new Set(['HawserError', name, ...(PARENTS[name] ?? [])])
    expect(error).toBeInstanceOf(Error)
    for (const [other, type] of Object.entries(TYPES)) expect(error instanceof type, other).toBe(expected.has(other))
  })

  test('has a name, a message, a code and a stack', () => {
    const error = MADE[name]!()
    expect(error.name).toBe(name)
    expect(error.message).toBe('text')
    expect(error.code).toMatch(/^[A-Z_]+$/)
    expect(error.stack).toContain('errors.test.ts')
    expect(String(error)).toBe(`${name}: text`)
  })
})

test('an OptionsError is a TypeError', () => {
  expect(new OptionsError('url', 'text')).toBeInstanceOf(TypeError)
})

test('nothing else is an error of hawser', () => {
  for (const value of [
    undefined,
    null,
    1,
    'HawserError',
    {},
    new Error('text'),
    new TypeError('text'),
    Object.create(null),
  ]) {
    for (const type of Object.values(TYPES)) expect((value as unknown) instanceof type).toBe(false)
  }
})

test('errors are recognised across copies of the package', async () => {
  vi.resetModules()
  const other: typeof import('../src/errors.ts') = await import('../src/errors.ts')
  expect(other.HawserError).not.toBe(HawserError)
  const theirs = new other.ProtocolError('rule', 1002, 'text')
  for (const type of [HawserError, ConnectionClosedError, ProtocolError]) expect(theirs).toBeInstanceOf(type)
  expect(theirs).not.toBeInstanceOf(MessageTooBigError)
  expect(new HandshakeError('TLS_FAILED', 'text')).toBeInstanceOf(other.HandshakeError)
  expect(new OptionsError('url', 'text')).toBeInstanceOf(other.HawserError)
})

test('a class of the user that extends one is told apart from it', () => {
  class Mine extends ConnectionClosedError {}
  expect(new Mine('text')).toBeInstanceOf(ConnectionClosedError)
  expect(new Mine('text')).toBeInstanceOf(Mine)
  expect(new ConnectionClosedError('text')).not.toBeInstanceOf(Mine)
})

test('a cause is there only when there is one', () => {
  const cause = new Error('why')
  expect(new ConnectionClosedError('text', { cause }).cause).toBe(cause)
  expect(new HandshakeError('TLS_FAILED', 'text', { cause }).cause).toBe(cause)
  expect(new OptionsError('url', 'text', { cause }).cause).toBe(cause)
  expect('cause' in new ConnectionClosedError('text')).toBe(false)
  expect('cause' in new HandshakeError('TLS_FAILED', 'text')).toBe(false)
})

test('what a HandshakeError does not know', () => {
  expect(new HandshakeError('CONNECTION_LOST', 'text')).toMatchObject({
    response: undefined,
    attempts: [],
    retriable: false,
    retryAfter: undefined,
    proxyStatus: undefined,
  })
})

test('a connection that ended without a Close frame is 1006', () => {
  expect(new ConnectionClosedError('text')).toMatchObject({
    code: 'CONNECTION_CLOSED',
    closeStatus: 1006,
    reason: '',
    wasClean: false,
  })
})

test('each error keeps what it is about', () => {
  expect(new ProtocolError('rule', 1007, 'text')).toMatchObject({
    code: 'PROTOCOL_VIOLATION',
    violation: 'rule',
    closeCode: 1007,
  })
  expect(new MessageTooBigError('text', 5)).toMatchObject({ code: 'MESSAGE_TOO_BIG', limit: 5, closeStatus: 1006 })
  expect(new InvalidStateError('text', 'closed')).toMatchObject({ code: 'INVALID_STATE', state: 'closed' })
  expect(new TimeoutError('CLOSE_TIMEOUT', 'text', 5)).toMatchObject({ code: 'CLOSE_TIMEOUT', timeout: 5 })
  expect(new OptionsError('url', 'text')).toMatchObject({ code: 'INVALID_OPTION', option: 'url' })
})
