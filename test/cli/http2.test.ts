import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { constants } from 'node:http2'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type Certificate, createAuthority } from '../support/certificates.ts'
import { type Http2ServerOptions, type RunningHttp2Server, startHttp2Server } from '../support/http2-server.ts'
import { hawser } from './hawser.ts'

let directory: string
let caFile: string
let tls: Certificate

beforeAll(async () => {
  const authority = await createAuthority()
  tls = await authority.issue()
  directory = await mkdtemp(join(tmpdir(), 'hawser-'))
  caFile = join(directory, 'ca.pem')
  await writeFile(caFile, authority.ca)
})

afterAll(() => rm(directory, { recursive: true }))

function startSecure(options: Http2ServerOptions = {}): Promise<RunningHttp2Server> {
  return startHttp2Server({ tls, ...options })
}

/** The version that was spoken. */
async function versionOf(...args: string[]): Promise<unknown> {
  const { stdout } = await hawser(['--json', '--ca', caFile, ...args])
  return JSON.parse(stdout).httpVersion
}

test('--http2 speaks it, and stderr shows so', async () => {
  await using server = await startSecure()
  const { code, stdout, stderr } = await hawser(['--http2', '--ca', caFile, `${server.url}/echo`], { input: 'hi' })
  expect({ code, stdout }).toEqual({ code: 0, stdout: 'hi\n' })
  expect(stderr).toMatch(/^HTTP\/2 200\n(\S+: .*\n)*\n/)
  expect(stderr).toContain(`\nConnected to ${server.url}/echo over HTTP/2\nClosed: 1000\n`)
  expect(server.offers).toEqual([['h2', 'http/1.1']])
})

test('--json shows what was answered over HTTP/2', async () => {
  await using server = await startSecure()
  const { code, stdout } = await hawser(['--http2', '--json', '--ca', caFile, `${server.url}/headers`])
  expect(code).toBe(0)
  const cookies = [
    ['set-cookie', 'a=1'],
    ['set-cookie', 'b=2'],
  ]
  const opened = { transport: 'http2', httpVersion: '2', status: 200, statusText: '' }
  expect(JSON.parse(stdout)).toMatchObject({ ...opened, headers: expect.arrayContaining(cookies) })
})

test('without --http2 it is HTTP/1.1', async () => {
  await using server = await startSecure()
  expect(await versionOf(`${server.url}/echo`)).toBe('1.1')
  expect(await versionOf('--http1.1', '--exact', `${server.url}/echo`)).toBe('1.1')
  expect(server.sessions).toHaveLength(0)
})

test('over ws: HTTP/2 is spoken only with --exact', async () => {
  await using server = await startHttp2Server()
  expect(await versionOf('--http2', `${server.url}/echo`)).toBe('1.1')
  expect(await versionOf('--http2', '--exact', `${server.url}/echo`)).toBe('2')
})

test('a refusal over HTTP/2 exits with 3, and shows the answer', async () => {
  await using server = await startSecure()
  const { code, stderr } = await hawser(['--http2', '--ca', caFile, `${server.url}/refuse?status=429`])
  expect(code).toBe(3)
  expect(stderr).toContain('\nHTTP/2 429\nx-reason: no\n')
  expect(stderr).toContain('\nrefused\n')
  expect(stderr).not.toContain('Tried')
})

test('a refusal after HTTP/2 was given up shows both attempts', async () => {
  await using server = await startSecure({ extendedConnect: false })
  const url = `${server.url}/refuse`
  const { code, stderr } = await hawser(['--http2', '--ca', caFile, url])
  expect(code).toBe(3)
  expect(stderr).toContain('\nHTTP/1.1 403 Forbidden\n')
  expect(stderr).toContain(
    `\nTried: ${url} over HTTP/2: the server does not allow extended CONNECT\n       ${url} over HTTP/1.1: 403\n`,
  )
  const { stdout } = await hawser(['--http2', '--json', '--ca', caFile, url])
  expect(JSON.parse(stdout).attempts).toEqual([
    { url, transport: 'http2', httpVersion: '2', status: 0, error: 'EXTENDED_CONNECT_UNSUPPORTED' },
    { url, transport: 'tcp', httpVersion: '1.1', status: 403, error: 'UPGRADE_REFUSED' },
  ])
})

test.each([
  ['without extended CONNECT', { extendedConnect: false }, 'EXTENDED_CONNECT_UNSUPPORTED'],
  ['without HTTP/2', { protocols: ['http/1.1'] }, 'HTTP2_UNAVAILABLE'],
] as const)('a server %s is used over HTTP/1.1, and with --exact exits with 4', async (_, options, expected) => {
  await using server = await startSecure(options)
  const args = ['--http2', '--ca', caFile, `${server.url}/echo`]
  const { code, stderr } = await hawser(args)
  expect(code).toBe(0)
  expect(stderr).toMatch(/^HTTP\/1\.1 101 /)
  const exact = await hawser(['--exact', ...args])
  expect(exact.code).toBe(4)
  expect(exact.stderr).toContain(`Code:  ${expected}\n`)
  expect(exact.stderr).toMatch(/^Hint: {2}--http/m)
})

test('a stream that is reset exits with 4, and shows the name of the code', async () => {
  await using server = await startSecure({
    onConnect: (stream) => {
      stream.close(constants.NGHTTP2_ENHANCE_YOUR_CALM)
      return true
    },
  })
  const { code, stderr } = await hawser(['--http2', '--ca', caFile, `${server.url}/echo`])
  expect(code).toBe(4)
  expect(stderr).toContain('ENHANCE_YOUR_CALM')
  expect(stderr).toContain('Code:  STREAM_RESET\n')
  expect(stderr).toContain('Hint:  --http1.1 ')
})
