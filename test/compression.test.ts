/** permessage-deflate against the server of the `ws` package, over every transport. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { ClientWebSocketOptions } from '../src/index.ts'
import { connect } from '../src/index.ts'
import { COMBINATIONS, exchange, nameOf, runCombination, SITES, type Site } from './deflate/matrix.ts'
import { failure, untilFinished } from './support/servers.ts'
import { startWebSocketServer } from './support/websocket-server.ts'

/** In the short form; `npm run test:deflate` sends 10,000. */
const MESSAGES = 200
/** The corners, where all are too many. */
const CORNERS = COMBINATIONS.filter(
  ({ clientMaxWindowBits, serverMaxWindowBits }) =>
    [9, 15].includes(clientMaxWindowBits) && [9, 15].includes(serverMaxWindowBits),
)

describe.each(Object.entries(SITES))('over %s', (name, start) => {
  let site: Site
  beforeAll(async () => {
    site = await start()
  })
  afterAll(() => site.close())

  const combinations = name === 'tcp' ? COMBINATIONS : CORNERS
  test.each(combinations.map((combination) => [nameOf(combination), combination] as const))(
    'messages go there and back with %s',
    async (_, combination) => {
      const extensions = await runCombination(site, combination, MESSAGES)
      expect(extensions).toMatch(/^permessage-deflate/)
      expect(extensions.includes('server_no_context_takeover')).toBe(!combination.serverContextTakeover)
    },
  )

  test('nothing is offered, and nothing agreed on, unless it is asked for', async () => {
    for (const options of [{}, { perMessageDeflate: false }]) {
      const socket = await site.connect(options)
      expect(socket.extensions).toBe('')
      await exchange(socket, 20, 1)
      await socket.close()
    }
  })

  test('extensions tells what the server has chosen', async () => {
    const socket = await site.connect({ perMessageDeflate: { serverMaxWindowBits: 12, clientContextTakeover: false } })
    expect(socket.extensions).toMatch(/^permessage-deflate; /)
    expect(socket.extensions).toContain('server_max_window_bits=12')
    expect(socket.extensions).toContain('client_no_context_takeover')
    await socket.close()
  })
})

describe('a server that', () => {
  async function connected(server: object | false, options: ClientWebSocketOptions['perMessageDeflate'] = true) {
    const { url } = untilFinished(await startWebSocketServer({ perMessageDeflate: server }))
    return connect(`${url}/echo`, { perMessageDeflate: options })
  }

  test.each([
    ['wants no takeover', { serverNoContextTakeover: true, clientNoContextTakeover: true }],
    ['has windows of its own', { serverMaxWindowBits: 10, clientMaxWindowBits: 11 }],
    ['has the smallest windows', { serverMaxWindowBits: 8, clientMaxWindowBits: 8 }],
    ['has the largest windows', { serverMaxWindowBits: 15, clientMaxWindowBits: 15 }],
    ['compresses everything', { threshold: 0 }],
    ['compresses nothing', { threshold: 1_000_000 }],
    ['compresses as well as it can', { zlibDeflateOptions: { level: 9, memLevel: 9 } }],
    ['compresses with little memory', { zlibDeflateOptions: { level: 1, memLevel: 1 } }],
    ['does not compress', { zlibDeflateOptions: { level: 0 } }],
  ])('%s is understood', async (_, server) => {
    const socket = await connected(server)
    await exchange(socket, 500, 7)
    await socket.close()
    expect(socket.state).toBe('closed')
  })

  test('knows no extension is spoken to without', async () => {
    const socket = await connected(false)
    expect(socket.extensions).toBe('')
    await exchange(socket, 100, 7)
    await socket.close()
  })

  test('cannot do what is asked for refuses, and the next try is without', async () => {
    const refusal = connected({ serverNoContextTakeover: false }, { serverContextTakeover: false })
    expect(await failure(refusal, 'UPGRADE_REFUSED')).toMatchObject({ response: { status: 400 } })
    const socket = await connected({ serverNoContextTakeover: false })
    await exchange(socket, 20, 7)
    await socket.close()
  })
})
