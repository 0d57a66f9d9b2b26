import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { createAuthority } from '../support/certificates.ts'
import { startConnectProxy } from '../support/connect-proxy.ts'
import { startScriptedPeer } from '../support/scripted-peer.ts'
import { type RunningServer, startWebSocketServer } from '../support/websocket-server.ts'
import { Hawser, hawser } from './hawser.ts'

let server: RunningServer
let secure: RunningServer
let directory: string
let caFile: string

beforeAll(async () => {
  const authority = await createAuthority()
  server = await startWebSocketServer()
  secure = await startWebSocketServer({ tls: await authority.issue() })
  directory = await mkdtemp(join(tmpdir(), 'hawser-'))
  caFile = join(directory, 'ca.pem')
  await writeFile(caFile, authority.ca)
})

afterAll(async () => {
  await server.close()
  await secure.close()
  await rm(directory, { recursive: true })
})

describe('a connection that opens', () => {
  test('is shown on stderr: status line, headers, version, subprotocol', async () => {
    const { code, stdout, stderr } = await hawser(['-s', 'chat', '-w', '0', `${server.url}/subprotocols?token=secret`])
    expect(code).toBe(0)
    expect(stdout).toBe('')
    expect(stderr).toMatch(/^HTTP\/1\.1 101 Switching Protocols\n(\S+: .*\n)+\n/)
    expect(stderr).toContain('Sec-WebSocket-Protocol: chat\n')
    expect(stderr).toContain(
      `\nConnected to ${server.url}/subprotocols over HTTP/1.1, subprotocol chat\nClosed: 1000\n`,
    )
  })

  test('has no colours in a pipe', async () => {
    const { stderr } = await hawser(['-w', '0', `${server.url}/echo`], { env: { FORCE_COLOR: '1' } })
    expect(stderr).not.toContain('\x1b')
  })

  test('was asked for with the headers that were given', async () => {
    const { stdout } = await hawser(['-H', 'X-One: 1', '-H', 'x-two:2', `${server.url}/headers`])
    expect(stdout).toContain('"X-One","1","x-two","2"')
  })

  test('--json prints it as one object on stdout, and ends', async () => {
    await using run = new Hawser(['--json', '-s', 'a', '-s', 'b', `${server.url}/subprotocols?choose=b&token=secret`])
    const { code, stdout, stderr } = await run.ended()
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
    expect(stdout).toMatch(/^\{.*\}\n$/)
    const outcome = JSON.parse(stdout)
    expect(outcome).toEqual({
      connected: true,
      url: `${server.url}/subprotocols`,
      transport: 'tcp',
      httpVersion: '1.1',
      status: 101,
      statusText: 'Switching Protocols',
      headers: expect.arrayContaining([['Sec-WebSocket-Protocol', 'b']]),
      subprotocol: 'b',
      extensions: '',
    })
  })

  test('--ping prints round trips on stdout, and ends though stdin is open', async () => {
    await using run = new Hawser(['--ping', `${server.url}/messages?count=2000&size=1000`])
    const { code, stdout, stderr } = await run.ended()
    expect(code).toBe(0)
    expect(stdout).toMatch(/^(\d+\.\d{3} ms\n){5}$/)
    expect(stderr).toMatch(/min \/ average \/ max: [\d.]+ \/ [\d.]+ \/ [\d.]+ ms\n$/)
  })

  test('--ping ends badly when the server closes before it answers', async () => {
    const { code, stderr } = await hawser(['--ping', `${server.url}/close?code=1000`])
    expect(code).toBe(1)
    expect(stderr).toContain('\nhawser: ')
  })

  test('--follow goes where a redirect leads', async () => {
    const url = `${server.url}/redirect?to=/echo`
    expect((await hawser(['--follow', '--json', url])).code).toBe(0)
    const { code, stderr } = await hawser([url])
    expect(code).toBe(3)
    expect(stderr).toContain('--follow')
  })
})

describe('a certificate that nobody vouches for', () => {
  test('is refused with a hint', async () => {
    const { code, stderr } = await hawser([`${secure.url}/echo`])
    expect(code).toBe(4)
    expect(stderr).toContain('Code:  TLS_FAILED\n')
    expect(stderr).toContain('--ca FILE')
  })

  test('is trusted with --ca, and with --insecure', async () => {
    const outcomes = await Promise.all([
      hawser(['--json', '--ca', caFile, `${secure.url}/echo`]),
      hawser(['--json', '--insecure', `${secure.url}/echo`]),
    ])
    expect(outcomes.map(({ code }) => code)).toEqual([0, 0])
  })
})

describe('a server that refuses', () => {
  test('is shown on stderr with status, headers, body, and whether to retry', async () => {
    const { code, stdout, stderr } = await hawser([`${server.url}/refuse?status=429&retry-after=7`])
    expect({ code, stdout }).toEqual({ code: 3, stdout: '' })
    expect(stderr).toContain('hawser: ')
    expect(stderr).toContain('\nHTTP/1.1 429 Too Many Requests\nx-reason: no\nset-cookie: a=1\nset-cookie: b=2\n')
    expect(stderr).toContain('\nrefused\n')
    expect(stderr).toContain('Retry: worth it, after 7 s\n')
  })

  test('--json prints the refusal on stdout', async () => {
    const { code, stdout, stderr } = await hawser(['--json', `${server.url}/refuse?status=429&retry-after=7`])
    expect({ code, stderr }).toEqual({ code: 3, stderr: '' })
    const url = `${server.url}/refuse`
    expect(JSON.parse(stdout)).toMatchObject({
      connected: false,
      url,
      code: 'UPGRADE_REFUSED',
      message: `${url} answered 429 Too Many Requests instead of upgrading`,
      httpVersion: '1.1',
      status: 429,
      statusText: 'Too Many Requests',
      headers: expect.arrayContaining([
        ['set-cookie', 'a=1'],
        ['set-cookie', 'b=2'],
      ]),
      body: 'refused',
      bodyTruncated: false,
      retriable: true,
      retryAfter: 7000,
      attempts: [{ url, transport: 'tcp', httpVersion: '1.1', status: 429, error: 'UPGRADE_REFUSED' }],
    })
  })

  test('a 101 that is not for us is a refusal too', async () => {
    await using peer = await startScriptedPeer(async (connection) => {
      await connection.readRequest()
      await connection.write('HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n')
      await connection.closed
    })
    const { code, stderr } = await hawser([peer.url])
    expect(code).toBe(3)
    expect(stderr).toContain('Code:  INVALID_ACCEPT\n')
  })
})

describe('a server that cannot be reached', () => {
  test('exits with 4, and --json says why on stdout', async () => {
    const closed = await startWebSocketServer()
    await closed.close()
    const { code, stdout, stderr } = await hawser(['--json', closed.url])
    expect({ code, stderr }).toEqual({ code: 4, stderr: '' })
    expect(JSON.parse(stdout)).toMatchObject({ connected: false, code: 'CONNECTION_REFUSED', status: 0, body: null })
  })

  test('--timeout limits the handshake', async () => {
    const { code, stderr } = await hawser(['--timeout', '0.2', `${server.url}/silent`])
    expect(code).toBe(4)
    expect(stderr).toContain('did not answer within 200 ms')
  })
})

describe('a proxy', () => {
  test('is used with --proxy, by its URL or from the environment', async () => {
    await using proxy = await startConnectProxy()
    const url = `${server.url}/echo`
    expect((await hawser(['--json', '--proxy', proxy.url, url])).code).toBe(0)
    expect((await hawser(['--json', '--proxy', 'env', url], { env: { HTTP_PROXY: proxy.url } })).code).toBe(0)
    expect(proxy.targets).toHaveLength(2)
  })

  test('that refuses makes it exit with 4', async () => {
    await using proxy = await startConnectProxy({ status: 407 })
    const { code, stderr } = await hawser(['--proxy', proxy.url, `${server.url}/echo`])
    expect(code).toBe(4)
    expect(stderr).toContain('Code:  PROXY_REFUSED\n')
  })
})

test('no credentials are printed, whatever happens', async () => {
  await using proxy = await startConnectProxy({ status: 407 })
  const withUserinfo = (url: string) => url.replace('://', '://user:secret@')
  const url = withUserinfo(`${server.url}/refuse?token=secret`)
  const header = ['-H', 'authorization: secret']
  const outcomes = await Promise.all([
    hawser([...header, url]),
    hawser([...header, '--json', url]),
    hawser([...header, '-w', '0', withUserinfo(`${server.url}/echo?token=secret`)]),
    hawser(['--proxy', withUserinfo(proxy.url), url]),
    hawser(['--proxy', 'ftp://user:secret@localhost', url]),
    hawser(['-H', 'secret value', url]),
    hawser(['-H', 'x: secret\nvalue', url]),
    hawser(['ftp://user:secret@localhost']),
  ])
  expect(outcomes.map(({ code }) => code)).toEqual([3, 3, 0, 4, 2, 2, 2, 2])
  for (const { stdout, stderr } of outcomes) expect(stdout + stderr).not.toContain('secret')
})

describe('wrong usage', () => {
  test('exits with 2 and says where to look', async () => {
    const { code, stdout, stderr } = await hawser(['--nonsense'])
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' })
    expect(stderr).toBe("hawser: Unknown option '--nonsense'.\nTry: hawser --help\n")
  })

  test('is also what the library takes for it', async () => {
    const { code, stderr } = await hawser(['-s', 'not a token', `${server.url}/echo`])
    expect(code).toBe(2)
    expect(stderr).toContain('hawser: subprotocols[0] is not a token')
  })
})

test('--help and --version print on stdout', async () => {
  const help = await hawser(['--help'])
  expect({ code: help.code, stderr: help.stderr }).toEqual({ code: 0, stderr: '' })
  expect(help.stdout).toMatch(/^Usage: hawser /)
  const version = await hawser(['-V'])
  expect(version.stdout).toMatch(/^\d+\.\d+\.\d+\S*\n$/)
})
