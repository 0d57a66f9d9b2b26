/** Proxies that lie: the error, and what it costs the client at most. */
import { expect, test } from 'vitest'
import type { Script } from '../support/scripted-peer.ts'
import { peer } from '../support/servers.ts'
import { attacked, flood, MiB } from './attack.ts'

const TUNNEL = 'HTTP/1.1 200 Connection Established\r\n'

/** Answers the request, and whatever comes then, with these in turn. */
function answering(...answers: readonly string[]): Script {
  return async (connection) => {
    for (const answer of answers) {
      await connection.read()
      await connection.write(answer)
    }
    for (;;) await connection.read()
  }
}

/** Answers in the same way; after the last answer it writes `part` again and again. */
function endless(answers: readonly string[], part: string): Script {
  return async (connection) => {
    for (const answer of answers) {
      await connection.read()
      await connection.write(answer)
    }
    await flood(connection, part)
  }
}

/** It is loaded with the first proxy. */
const WITH_UNDICI = 96 * MiB
/** It is loaded within that, which takes long on a machine with much else to do. */
const HANDSHAKE_TIMEOUT = 1500
const HINTS = 'HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n'
const GARBAGE = 'this is neither HTTP nor TLS'

// Over wss it is TLS that finds what is not.
test.each([
  ['200 with a body', answering(`${TUNNEL}Content-Length: 28\r\n\r\n${GARBAGE}`), 'PROXY_REFUSED', 'TLS_FAILED'],
  ['200 and then garbage', answering(`${TUNNEL}\r\n`, GARBAGE), 'INVALID_RESPONSE', 'TLS_FAILED'],
  ['200 and then garbage without end', endless([`${TUNNEL}\r\n`, GARBAGE], GARBAGE), 'INVALID_RESPONSE', 'TLS_FAILED'],
  ['200 and then silence', answering(`${TUNNEL}\r\n`), 'HANDSHAKE_TIMEOUT', 'HANDSHAKE_TIMEOUT'],
  ['a head without end', endless([TUNNEL], 'a: b\r\n'), 'INVALID_RESPONSE', 'INVALID_RESPONSE'],
  ['interim responses without end', endless([HINTS], HINTS), 'PROXY_REFUSED', 'PROXY_REFUSED'],
  ['a refusal with a body without end', endless(['HTTP/1.1 403 No\r\n\r\n'], 'no'), 'PROXY_REFUSED', 'PROXY_REFUSED'],
  ['something else than HTTP', answering('SSH-2.0-OpenSSH_9.9\r\n'), 'INVALID_RESPONSE', 'INVALID_RESPONSE'],
])('a proxy that answers %s', async (_, script, overWs, overWss) => {
  for (const [scheme, code] of [
    ['ws', overWs],
    ['wss', overWss],
  ]) {
    const { url } = await peer(script)
    const options = { proxy: url.replace('ws', 'http'), handshakeTimeout: HANDSHAKE_TIMEOUT }
    const ending = await attacked({ url: `${scheme}://server.example/`, options, within: 4000, growth: WITH_UNDICI })
    expect(ending, scheme).toMatchObject({ code })
  }
})

/** RFC 1928 §3: no authentication. */
const METHOD = '\x05\x00'
const CONNECTED = '\x05\x00\x00\x01\x00\x00\x00\x00\x00\x00'

test.each([
  ['of another version', answering(METHOD, '\x04'.repeat(65_536)), 'PROXY_REFUSED'],
  ['of a kind of address that is none', answering(METHOD, '\x05'.repeat(65_536)), 'PROXY_REFUSED'],
  ['that it is connected, and then garbage', answering(METHOD, CONNECTED, GARBAGE), 'INVALID_RESPONSE'],
  ['that it is connected, and then silence', answering(METHOD, CONNECTED), 'HANDSHAKE_TIMEOUT'],
])('a SOCKS proxy that answers %s', async (_, script, code) => {
  const { url } = await peer(script)
  const options = { proxy: url.replace('ws', 'socks5'), handshakeTimeout: HANDSHAKE_TIMEOUT }
  const ending = await attacked({ url: 'ws://server.example/', options, within: 4000, growth: WITH_UNDICI })
  expect(ending).toMatchObject({ code })
})
