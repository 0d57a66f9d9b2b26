import { runInNewContext } from 'node:vm'
import { expect, test } from 'vitest'
import { connect, OptionsError, type TlsOptions } from '../../src/index.ts'
import { tlsMaterial } from '../../src/transport/tls-material.ts'

test('strings stay, bytes become Buffers, and one authority is a list of one', () => {
  const bytes = Uint8Array.of(1, 2)
  expect(tlsMaterial({ ca: 'a', cert: bytes, key: 'k', pfx: bytes, passphrase: 'p' })).toEqual({
    ca: ['a'],
    cert: Buffer.from(bytes),
    key: 'k',
    pfx: Buffer.from(bytes),
    passphrase: 'p',
  })
  expect(tlsMaterial({ ca: ['a', bytes] })).toEqual({ ca: ['a', Buffer.from(bytes)] })
})

test('bytes may be of another realm', () => {
  const cert = runInNewContext('new Uint8Array([1, 2])') as Uint8Array
  expect(tlsMaterial({ cert, ca: cert })).toEqual({ cert: Buffer.of(1, 2), ca: [Buffer.of(1, 2)] })
})

const WRONG: readonly (readonly [name: keyof TlsOptions, value: unknown])[] = [
  ['ca', null],
  ['ca', 5],
  ['ca', [null]],
  ['ca', new ArrayBuffer(3)],
  ['ca', new URL('file:///ca.pem')],
  ['cert', {}],
  ['key', 7],
  ['pfx', []],
  ['passphrase', 5],
  ['servername', 5],
  ['checkServerIdentity', 'x'],
]

test.each(WRONG)('connect refuses a tls.%s of %o before anything is sent', async (name, value) => {
  const error: unknown = await connect('wss://127.0.0.1:1', { tls: { [name]: value } }).catch(
    (reason: unknown) => reason,
  )
  expect(error).toBeInstanceOf(OptionsError)
  expect(error).toMatchObject({ option: `tls.${name}` })
})
