import { describe, expect, test } from 'vitest'
import type { TlsOptions } from '../../src/options.ts'
import { TlsIdentities } from '../../src/transport/tls-identity.ts'

const identities = new TlsIdentities()
const check = () => undefined

describe('TLS options have the same identity', () => {
  test.each<readonly [string, TlsOptions, TlsOptions]>([
    ['when there are none', {}, {}],
    ['when what they leave out is undefined', {}, { ca: undefined } as unknown as TlsOptions],
    ['when their contents are the same', { ca: Buffer.from('x') }, { ca: Buffer.from('x') }],
    [
      'when one has text and the other its bytes',
      { ca: 'x', key: 'k' },
      { ca: Buffer.from('x'), key: Buffer.from('k') },
    ],
    ['in any order', { ca: 'x', servername: 'y' }, { servername: 'y', ca: 'x' }],
    ['with the same function', { checkServerIdentity: check }, { checkServerIdentity: check }],
  ])('%s', (_, first, second) => {
    expect(identities.of(first)).toBe(identities.of(second))
  })
})

describe('TLS options have different identities', () => {
  test.each<readonly [string, TlsOptions, TlsOptions]>([
    ['when one trusts somebody else', { ca: 'x' }, { ca: 'y' }],
    ['when one trusts more', { ca: ['x', 'y'] }, { ca: ['x'] }],
    ['when the pieces are cut elsewhere', { ca: ['x', 'yz'] }, { ca: ['xy', 'z'] }],
    ['when the same text stands elsewhere', { cert: 'x' }, { key: 'x' }],
    ['when one checks less', { rejectUnauthorized: false }, {}],
    ['when a word is not a truth', { servername: 'false' }, { servername: false } as unknown as TlsOptions],
    ['when one has a client certificate', { ca: 'x', cert: 'c', key: 'k' }, { ca: 'x' }],
    ['with different functions', { checkServerIdentity: check }, { checkServerIdentity: () => undefined }],
  ])('%s', (_, first, second) => {
    expect(identities.of(first)).not.toBe(identities.of(second))
  })
})

test('an identity shows no key', () => {
  const secret = 'a very secret key'
  const identity = identities.of({ key: secret, passphrase: secret })
  expect(identity).not.toContain(secret)
  expect(identity).not.toContain(Buffer.from(secret).toString('base64'))
})
