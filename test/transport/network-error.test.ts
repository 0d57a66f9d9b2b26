import { connect } from 'node:net'
import { connect as connectTls } from 'node:tls'
import { describe, expect, test } from 'vitest'
import { HandshakeError } from '../../src/errors.ts'
import { networkError } from '../../src/transport/network-error.ts'

const WHERE = 'wss://example.com'

function withCode(code: string, message = 'no'): Error {
  return Object.assign(new Error(message), { code })
}

describe('a code', () => {
  test.each([
    ['ECONNREFUSED', 'CONNECTION_REFUSED', true],
    ['ECONNRESET', 'CONNECTION_LOST', true],
    ['EPIPE', 'CONNECTION_LOST', true],
    ['ECONNABORTED', 'CONNECTION_LOST', true],
    ['UND_ERR_SOCKET', 'CONNECTION_LOST', true],
    ['ENOTFOUND', 'HOST_NOT_FOUND', false],
    ['EAI_AGAIN', 'HOST_NOT_FOUND', true],
    ['EHOSTUNREACH', 'NETWORK_FAILED', true],
    ['ENETUNREACH', 'NETWORK_FAILED', true],
    ['ENETDOWN', 'NETWORK_FAILED', true],
    ['ETIMEDOUT', 'NETWORK_FAILED', true],
    ['EADDRNOTAVAIL', 'NETWORK_FAILED', true],
    ['EMFILE', 'NETWORK_FAILED', true],
    ['EACCES', 'NETWORK_FAILED', false],
    ['DEPTH_ZERO_SELF_SIGNED_CERT', 'TLS_FAILED', false],
    ['UNABLE_TO_VERIFY_LEAF_SIGNATURE', 'TLS_FAILED', false],
    ['CERT_HAS_EXPIRED', 'TLS_FAILED', false],
    ['CERT_REVOKED', 'TLS_FAILED', false],
    ['ERR_TLS_CERT_ALTNAME_INVALID', 'TLS_FAILED', false],
    ['EPROTO', 'TLS_FAILED', false],
    ['ERR_SSL_TLSV1_ALERT_PROTOCOL_VERSION', 'TLS_FAILED', false],
    ['ERR_SSL_TLSV13_ALERT_CERTIFICATE_REQUIRED', 'TLS_FAILED', false],
    ['ERR_OSSL_PEM_NO_START_LINE', 'TLS_FAILED', false],
    ['toString', 'NETWORK_FAILED', false],
  ])('%s means %s', (code, expected, retriable) => {
    const cause = withCode(code)
    const error = networkError(cause, WHERE)
    expect(error).toBeInstanceOf(HandshakeError)
    expect(error).toMatchObject({ code: expected, retriable, cause, response: undefined })
    expect(error.message).toContain(`Cannot connect to ${WHERE}: `)
    expect(error.message).toContain(`(${code})`)
  })
})

describe('a message says what to do', () => {
  test.each([
    ['SELF_SIGNED_CERT_IN_CHAIN', '`tls.ca`'],
    ['ERR_TLS_CERT_ALTNAME_INVALID', '`tls.servername`'],
    ['ERR_SSL_TLSV13_ALERT_CERTIFICATE_REQUIRED', '`tls.cert`'],
    ['ERR_SSL_SSL/TLS_ALERT_BAD_CERTIFICATE', '`tls.cert`'],
    ['ERR_SSL_TLSV1_ALERT_UNKNOWN_CA', '`tls.cert`'],
    ['ERR_SSL_WRONG_VERSION_NUMBER', 'ws:'],
    ['CERT_HAS_EXPIRED', 'clock'],
  ])('for %s it names %s', (code, remedy) => {
    expect(networkError(withCode(code), WHERE).message).toContain(remedy)
  })

  test.each([
    'SELF_SIGNED_CERT_IN_CHAIN',
    'ERR_TLS_CERT_ALTNAME_INVALID',
    'ERR_SSL_TLSV13_ALERT_CERTIFICATE_REQUIRED',
    'ERR_OSSL_PEM_NO_START_LINE',
    'EPROTO',
  ])("for %s it fits beside a caller's own client, too, which has TLS options of its own", (code) => {
    expect(networkError(withCode(code), WHERE).message).toContain('or the TLS options of your HTTP client')
  })
})

test('the message of the cause is not repeated: it may show what is secret', () => {
  const error = networkError(withCode('ECONNRESET', 'https://user:secret@example.com'), WHERE)
  expect(error.message).not.toContain('secret')
})

describe('several failures', () => {
  test('of all addresses of a host mean what the address that answered means', () => {
    const cause = new AggregateError([withCode('ENETUNREACH'), withCode('ECONNREFUSED')])
    expect(networkError(Object.assign(cause, { code: 'ENETUNREACH' }), WHERE)).toMatchObject({
      code: 'CONNECTION_REFUSED',
      retriable: true,
    })
  })

  test('that are all alike mean what each does', () => {
    const cause = new AggregateError([withCode('ENETUNREACH'), withCode('ENETUNREACH')])
    expect(networkError(cause, WHERE)).toMatchObject({ code: 'NETWORK_FAILED', retriable: true })
  })

  test('none of which is known are unknown', () => {
    expect(networkError(new AggregateError([new Error('what?'), 7]), WHERE)).toMatchObject({ code: 'NETWORK_FAILED' })
  })
})

describe('a chain of causes', () => {
  test('means what its first known error means', () => {
    const cause = new TypeError('fetch failed', { cause: withCode('UND_ERR_NEW', '') })
    Object.assign(cause.cause as Error, { cause: withCode('ECONNRESET') })
    expect(networkError(cause, WHERE).code).toBe('CONNECTION_LOST')
  })

  test('may be a ring', () => {
    const cause = new Error('ring')
    cause.cause = cause
    expect(networkError(cause, WHERE).code).toBe('NETWORK_FAILED')
  })
})

test.each([undefined, null, 'no', {}, new Error('no')])('what is not known (%s) has the code of who asks', (cause) => {
  expect(networkError(cause, WHERE)).toMatchObject({ code: 'NETWORK_FAILED', retriable: false, cause })
  expect(networkError(cause, WHERE, 'TLS_FAILED').code).toBe('TLS_FAILED')
  expect(networkError(cause, WHERE, 'CLIENT_FAILED').code).toBe('CLIENT_FAILED')
})

describe('an error as Node makes it', () => {
  test('for a port where nothing listens, of every address of the host', async () => {
    const error = await new Promise((resolve) => connect({ host: 'localhost', port: 1 }).on('error', resolve))
    expect(networkError(error, WHERE)).toMatchObject({ code: 'CONNECTION_REFUSED', retriable: true })
  })

  test('for a key that is none', () => {
    try {
      connectTls({ host: '127.0.0.1', port: 1, key: 'nonsense' })
      expect.unreachable()
    } catch (error) {
      expect(networkError(error, WHERE)).toMatchObject({ code: 'TLS_FAILED' })
    }
  })
})
