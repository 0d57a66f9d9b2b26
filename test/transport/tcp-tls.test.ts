import type { TLSSocket } from 'node:tls'
import { beforeAll, expect, test, vi } from 'vitest'
import type { TlsOptions } from '../../src/options.ts'
import { type Authority, type Certificate, createAuthority } from '../support/certificates.ts'
import { cleanUpAfterEach, failure, open, peer, server, upgraded } from '../support/dialing.ts'

let authority: Authority
let certificate: Certificate
beforeAll(async () => {
  authority = await createAuthority()
  certificate = await authority.issue()
})

cleanUpAfterEach()

function trusted(): TlsOptions {
  return { ca: authority.ca }
}

test('TLS with a certificate of the authority in `ca` is fine, by name and by address', async () => {
  const { port } = await server(certificate)
  await upgraded(`wss://localhost:${port}/echo`, { tls: trusted() })
  await upgraded(`wss://127.0.0.1:${port}/echo`, { tls: { ca: [Buffer.from(authority.ca)] } })
})

test('TLS is refused without trust', async () => {
  const { url } = await server(certificate)
  const error = await failure(open(`${url}/echo`))
  expect(error).toMatchObject({ code: 'TLS_FAILED', retriable: false })
  expect(error.message).toContain('`tls.ca`')
})

test('TLS accepts any certificate when told not to look', async () => {
  const { url } = await server(certificate)
  await upgraded(`${url}/echo`, { tls: { rejectUnauthorized: false } })
})

test('TLS is refused for another name, and allowed when `servername` is that name', async () => {
  const { url } = await server(await authority.issue({ names: ['other.example'] }))
  const error = await failure(open(`${url}/echo`, { tls: trusted() }))
  expect(error).toMatchObject({ code: 'TLS_FAILED', retriable: false })
  expect(error.message).toContain('`tls.servername`')
  await upgraded(`${url}/echo`, { tls: { ...trusted(), servername: 'other.example' } })
})

test('TLS is refused when the certificate has expired', async () => {
  const { url } = await server(await authority.issue({ expired: true }))
  const error = await failure(open(`${url}/echo`, { tls: trusted() }))
  expect(error).toMatchObject({ code: 'TLS_FAILED', cause: { code: 'CERT_HAS_EXPIRED' } })
})

test('TLS takes the certificate of the client to the server', async () => {
  const { url, requests } = await server({ ...certificate, ca: authority.ca, requestCert: true })
  const client = await authority.issue({ names: ['alice'], client: true })
  await upgraded(`${url}/echo`, { tls: { ...trusted(), cert: client.cert, key: Buffer.from(client.key) } })
  expect(requests[0]?.clientName).toBe('alice')
})

test('TLS without the certificate that the server demands says so', async () => {
  const { url } = await server({ ...certificate, ca: authority.ca, requestCert: true })
  const error = await failure(open(`${url}/echo`, { tls: trusted() }))
  expect(error).toMatchObject({ code: 'TLS_FAILED', retriable: false })
  expect(error.message).toContain('`tls.cert`')
})

test('TLS with a key that is none fails before any I/O', async () => {
  const { url, connections } = await server(certificate)
  const error = await failure(open(`${url}/echo`, { tls: { cert: 'nonsense', key: 'nonsense' } }))
  expect(error.code).toBe('TLS_FAILED')
  expect(connections()).toBe(0)
})

test('TLS offers http/1.1, and the name unless it is an address', async () => {
  const { port, connections } = await peer((connection) => connection.accept(), certificate)
  await upgraded(`wss://localhost:${port}`, { tls: trusted() })
  await upgraded(`wss://127.0.0.1:${port}`, { tls: trusted() })
  const sockets = connections.map(({ socket }) => socket as TLSSocket & { servername: string | false })
  expect(sockets.map(({ servername }) => servername)).toEqual(['localhost', false])
  expect(sockets.map(({ alpnProtocol }) => alpnProtocol)).toEqual(['http/1.1', 'http/1.1'])
  await upgraded(`wss://localhost:${port}`, { tls: { ...trusted(), servername: '127.0.0.1' } })
})

test('TLS asks checkServerIdentity, and only then', async () => {
  const checkServerIdentity = vi.fn(() => undefined)
  const plain = await server()
  await upgraded(`${plain.url}/echo`, { tls: { checkServerIdentity } })
  expect(checkServerIdentity).not.toHaveBeenCalled()
  const secure = await server(await authority.issue({ names: ['other.example'] }))
  await upgraded(`wss://127.0.0.1:${secure.port}/echo`, { tls: { ...trusted(), checkServerIdentity } })
  expect(checkServerIdentity).toHaveBeenCalledOnce()
  expect(checkServerIdentity).toHaveBeenCalledWith(
    '127.0.0.1',
    expect.objectContaining({ subjectaltname: 'DNS:other.example' }),
  )
})

test.each(['returns', 'throws'])('TLS is refused by a checkServerIdentity that %s an error', async (how) => {
  const { url } = await server(certificate)
  const refusal = new Error('not pinned')
  const checkServerIdentity = () => {
    if (how === 'throws') throw refusal
    return refusal
  }
  const error = await failure(open(`${url}/echo`, { tls: { ...trusted(), checkServerIdentity } }))
  expect(error).toMatchObject({ code: 'TLS_FAILED', cause: refusal, retriable: false })
})

test('TLS to a server that does not speak it hints at ws:', async () => {
  const { port } = await peer(async (connection) => {
    await connection.write('HTTP/1.1 400 Bad Request\r\n\r\n')
    await connection.closed
  })
  const error = await failure(open(`wss://127.0.0.1:${port}`))
  expect(error.code).toBe('TLS_FAILED')
  expect(error.message).toContain('ws:')
})

test('TLS that the server breaks off is a lost connection', async () => {
  const { port } = await peer((connection) => connection.end())
  expect(await failure(open(`wss://127.0.0.1:${port}`))).toMatchObject({ code: 'CONNECTION_LOST', retriable: true })
})
