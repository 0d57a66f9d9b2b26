import { describe, expect, test } from 'vitest'
import type { HandshakeErrorCode } from '../../src/errors.ts'
import { acceptFor, verifyUpgrade } from '../../src/handshake/accept.ts'
import type { HandshakeRequest } from '../../src/handshake/request.ts'
import type { HeaderField } from '../../src/http-headers.ts'
import { handshakeError, head } from './support.ts'

// RFC 6455 §1.3.
const KEY = 'dGhlIHNhbXBsZSBub25jZQ=='
const ACCEPT = 's3pPLMBiTxaQ9kYGzzhZRbK+xOo='

const request = (...subprotocols: string[]): HandshakeRequest => ({
  url: new URL('ws://example.com/'),
  key: KEY,
  headers: [],
  subprotocols,
})

const UPGRADE: HeaderField = ['Upgrade', 'websocket']
const CONNECTION: HeaderField = ['Connection', 'Upgrade']
const ACCEPTED: HeaderField = ['Sec-WebSocket-Accept', ACCEPT]

/** What is chosen by an answer of valid fields and these, when these subprotocols were offered. */
function chosen(fields: HeaderField[], offered: string[] = []): string {
  return verifyUpgrade(head(101, UPGRADE, CONNECTION, ACCEPTED, ...fields), request(...offered), ACCEPT).subprotocol
}

function refuse(code: HandshakeErrorCode, ...fields: HeaderField[]): string {
  return handshakeError(code, () => verifyUpgrade(head(101, ...fields), request('chat'), ACCEPT)).message
}

test('the accept of the key in RFC 6455 §1.3 is the one there', async () => {
  expect(await acceptFor(KEY)).toBe(ACCEPT)
})

test('the accept of another key is another one', async () => {
  expect(await acceptFor('x3JJHMbDL1EzLkh9GBhXDw==')).toBe('HSmrc0sMlYUkAGmm5OPpG2HaGWk=')
})

describe('Upgrade and Connection', () => {
  test.each<[string, HeaderField[]]>([
    ['as usual', [UPGRADE, CONNECTION]],
    [
      'in any case',
      [
        ['UPGRADE', 'WebSocket'],
        ['connection', 'uPGRADE'],
      ],
    ],
    ['with other connection options', [UPGRADE, ['Connection', 'keep-alive, Upgrade']]],
    [
      'with empty elements',
      [
        ['Upgrade', ' , websocket,'],
        ['Connection', ',,\tUpgrade , '],
      ],
    ],
    ['over repeated fields', [UPGRADE, ['Connection', 'keep-alive'], ['Connection', 'upgrade']]],
    ['said twice', [UPGRADE, UPGRADE, CONNECTION, CONNECTION]],
  ])('are accepted %s', (_, fields) => {
    expect(verifyUpgrade(head(101, ...fields, ACCEPTED), request(), ACCEPT)).toEqual({ subprotocol: '' })
  })

  test.each<[string, HeaderField[]]>([
    ['no Upgrade', [CONNECTION]],
    ['an empty Upgrade', [['Upgrade', ''], CONNECTION]],
    ['another protocol', [['Upgrade', 'h2c'], CONNECTION]],
    ['another protocol besides', [['Upgrade', 'websocket, h2c'], CONNECTION]],
    ['another protocol in another field', [UPGRADE, ['Upgrade', 'h2c'], CONNECTION]],
    ['a version of the protocol', [['Upgrade', 'websocket/13'], CONNECTION]],
    ['no Connection', [UPGRADE]],
    ['a Connection without upgrade', [UPGRADE, ['Connection', 'keep-alive']]],
    ['a Connection with something like upgrade', [UPGRADE, ['Connection', 'upgrades, "upgrade", up grade']]],
  ])('are refused with %s', (_, fields) => {
    refuse('INVALID_UPGRADE', ...fields, ACCEPTED)
  })

  test('are shown in the message, made harmless', () => {
    expect(refuse('INVALID_UPGRADE', ['Upgrade', 'h2c\xff'], CONNECTION, ACCEPTED)).toContain('"h2c\\xFF"')
  })
})

describe('Sec-WebSocket-Accept', () => {
  test.each<[string, HeaderField[]]>([
    ['is missing', []],
    ['is empty', [['Sec-WebSocket-Accept', '']]],
    ['belongs to another key', [['Sec-WebSocket-Accept', 'HSmrc0sMlYUkAGmm5OPpG2HaGWk=']]],
    ['differs in case', [['Sec-WebSocket-Accept', ACCEPT.toLowerCase()]]],
    ['has more in it', [['Sec-WebSocket-Accept', `${ACCEPT}, x`]]],
    ['comes twice', [ACCEPTED, ACCEPTED]],
    ['is the key itself', [['Sec-WebSocket-Accept', KEY]]],
  ])('is refused when it %s', (_, fields) => {
    refuse('INVALID_ACCEPT', UPGRADE, CONNECTION, ...fields)
  })

  test('may have white space around', () => {
    const answer = head(101, UPGRADE, CONNECTION, ['sec-websocket-accept', ` \t${ACCEPT} `])
    expect(verifyUpgrade(answer, request(), ACCEPT)).toEqual({ subprotocol: '' })
  })
})

describe('Sec-WebSocket-Protocol', () => {
  test.each([
    ['nothing when nothing was offered', [], [], ''],
    ['nothing of what was offered', [], ['chat'], ''],
    ['the first', [['Sec-WebSocket-Protocol', 'chat']], ['chat', 'super'], 'chat'],
    ['another one', [['sec-websocket-protocol', ' super ']], ['chat', 'super'], 'super'],
  ] as [string, HeaderField[], string[], string][])('chooses %s', (_, fields, offered, subprotocol) => {
    expect(chosen(fields, offered)).toBe(subprotocol)
  })

  test.each([
    ['what was not offered', ['other'], ['chat']],
    ['anything when nothing was offered', ['chat'], []],
    ['another case', ['Chat'], ['chat']],
    ['two in one field', ['chat, super'], ['chat', 'super']],
    ['two in two fields', ['chat', 'super'], ['chat', 'super']],
    ['the same one twice', ['chat', 'chat'], ['chat']],
    ['the whole offer as one', ['chat, super'], ['chat, super']],
    ['an empty one', [''], ['chat']],
    ['an empty one when nothing was offered', [''], []],
  ])('is refused when it chooses %s', (_, values, offered) => {
    const fields = values.map((value): HeaderField => ['Sec-WebSocket-Protocol', value])
    handshakeError('INVALID_SUBPROTOCOL', () => chosen(fields, offered))
  })
})

describe('Sec-WebSocket-Extensions', () => {
  test.each(['permessage-deflate', 'permessage-deflate; client_max_window_bits=15', 'a, b', ', x'])(
    'is refused: %s',
    (value) => {
      handshakeError('INVALID_EXTENSION', () => chosen([['Sec-WebSocket-Extensions', value]]))
    },
  )

  test.each(['', ' , '])('may be an empty list: %j', (value) => {
    expect(chosen([['Sec-WebSocket-Extensions', value]])).toBe('')
  })
})

test('permessage-deflate is agreed on if it was offered', () => {
  const deflate = {
    clientMaxWindowBits: 15,
    serverMaxWindowBits: 15,
    clientContextTakeover: true,
    serverContextTakeover: true,
  }
  const answer = head(101, UPGRADE, CONNECTION, ACCEPTED, ['Sec-WebSocket-Extensions', 'permessage-deflate'])
  expect(verifyUpgrade(answer, { ...request(), deflate }, ACCEPT).deflate).toEqual(deflate)
  expect(verifyUpgrade(head(200), { ...request(), deflate }, undefined).deflate).toBeUndefined()
})

describe('an answer to an extended CONNECT', () => {
  test('needs no Upgrade, Connection or Sec-WebSocket-Accept, and may have a wrong one', () => {
    expect(verifyUpgrade(head(200), request(), undefined)).toEqual({ subprotocol: '' })
    const stray = head(200, ['sec-websocket-accept', 'x'], ['sec-websocket-protocol', 'chat'])
    expect(verifyUpgrade(stray, request('chat'), undefined)).toEqual({ subprotocol: 'chat' })
  })

  test('is checked for subprotocol and extensions', () => {
    const verify = (field: HeaderField) => () => verifyUpgrade(head(200, field), request('chat'), undefined)
    handshakeError('INVALID_SUBPROTOCOL', verify(['sec-websocket-protocol', 'other']))
    handshakeError('INVALID_EXTENSION', verify(['sec-websocket-extensions', 'x']))
  })
})
