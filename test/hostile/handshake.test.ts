/** Servers that mean harm before there is a socket: the error, and what it costs the client at most. */
import { setTimeout as later } from 'node:timers/promises'
import { describe, expect, test } from 'vitest'
import type { Script } from '../support/scripted-peer.ts'
import { peer } from '../support/servers.ts'
import { attacked, flood, MiB } from './attack.ts'

const SWITCH = 'HTTP/1.1 101 Switching Protocols\r\n'

/** Answers the request, and then writes `part` again and again. */
function endless(answer: string, part: string): Script {
  return async (connection) => {
    await connection.readRequest()
    await connection.write(answer)
    await flood(connection, part)
  }
}

const NO_RESPONSE = { code: 'INVALID_RESPONSE', retriable: false }
const TIMED_OUT = { code: 'HANDSHAKE_TIMEOUT', retriable: true }
const LIMITS = { handshakeTimeout: 500 }

/**
 * undici neither limits a reason phrase nor counts interim responses, so that it is the time that ends them; and it
 * takes no 100.
 */
const HEADS: readonly (readonly [what: string, script: Script, overDispatcher: object])[] = [
  ['fields without end', endless(SWITCH, 'a: b\r\n'), NO_RESPONSE],
  ['a field without end', endless(`${SWITCH}a: `, 'b'), NO_RESPONSE],
  ['a name without end', endless(SWITCH, 'a'), NO_RESPONSE],
  ['a status line without end', endless('HTTP/1.1 101 ', 'a'), TIMED_OUT],
  ['interim responses without end', endless('', 'HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n'), TIMED_OUT],
  [
    'empty interim responses without end',
    endless('', 'HTTP/1.1 100 Continue\r\n\r\n'),
    { code: 'CONNECTION_LOST', cause: 'UND_ERR_SOCKET' },
  ],
]

describe.each(['tcp', 'dispatcher'] as const)('over %s, an answer', (transport) => {
  test.each(HEADS)('of %s is given up', async (_, script, overDispatcher) => {
    const { url } = await peer(script)
    const ending = await attacked({ url, transport, options: LIMITS, within: 3000, growth: 128 * MiB })
    expect(ending).toMatchObject(transport === 'tcp' ? NO_RESPONSE : overDispatcher)
  })

  test('that trickles is given up after handshakeTimeout', async () => {
    const { url } = await peer(async (connection) => {
      await connection.readRequest()
      await connection.write(`${SWITCH}a: `)
      for (;;) {
        await connection.write('b')
        await later(5)
      }
    })
    const ending = await attacked({ url, transport, within: 3000, options: LIMITS })
    expect(ending).toMatchObject(TIMED_OUT)
  })

  test.each([
    ['by the end of the connection', '', 'x'.repeat(65_536)],
    ['by a length', 'Content-Length: 9007199254740993\r\n', 'x'.repeat(65_536)],
    ['by large chunks', 'Transfer-Encoding: chunked\r\n', `10000\r\n${'x'.repeat(65_536)}\r\n`],
    ['by chunks of one byte', 'Transfer-Encoding: chunked\r\n', '1\r\nx\r\n'],
    ['by a chunk too large for a number', 'Transfer-Encoding: chunked\r\n', 'f'.repeat(65_536)],
    ['by chunk extensions', 'Transfer-Encoding: chunked\r\n', '1;a=b\r\nx\r\n'],
  ])('that refuses with a body without end, delimited %s, is kept up to 64 KiB', async (_, field, part) => {
    const { url } = await peer(endless(`HTTP/1.1 403 Forbidden\r\n${field}\r\n`, part))
    const ending = await attacked({ url, transport, within: 4000, growth: 96 * MiB })
    expect(ending).toMatchObject({ code: 'UPGRADE_REFUSED', status: 403, bodyTruncated: true, retriable: false })
    expect(ending.bodyLength).toBeLessThanOrEqual(65_536)
  })
})

describe.each(['tcp', 'dispatcher'] as const)('over %s, redirects', (transport) => {
  test('in a circle are given up at the sixth', async () => {
    const { url, connections } = await peer(async (connection) => {
      const { head } = await connection.readRequest()
      const next = head.startsWith('GET /a ') ? '/b' : '/a'
      await connection.write(`HTTP/1.1 302 Found\r\nLocation: ${next}\r\nContent-Length: 0\r\n\r\n`)
    })
    const options = { redirect: 'follow' } as const
    const ending = await attacked({ url: `${url}/a`, transport, options, within: 2000 })
    expect(ending).toMatchObject({ code: 'REDIRECT_REFUSED', status: 302, attempts: 6 })
    expect(connections.length).toBeLessThanOrEqual(6)
  })

  test('to ever longer URLs are given up at the sixth, or at the limit of a head', async () => {
    const requests: number[] = []
    const { url } = await peer(async (connection) => {
      for (;;) {
        const { head } = await connection.readRequest()
        requests.push(head.length)
        const next = `/${'a'.repeat(head.length * 8)}`
        await connection.write(`HTTP/1.1 302 Found\r\nLocation: ${next}\r\nContent-Length: 0\r\n\r\n`)
      }
    })
    const ending = await attacked({ url, transport, options: { redirect: 'follow' }, within: 2000, growth: 64 * MiB })
    expect(ending).toMatchObject({ code: 'INVALID_RESPONSE', retriable: false })
    expect(Math.max(...requests)).toBeLessThan(65_536)
    expect(requests.length).toBeLessThanOrEqual(6)
  })
})
