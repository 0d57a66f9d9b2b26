/** Sockets of a Worker's fetch, in the real runtime: they must be the same at every compatibility date. */
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import {
  closePayload,
  frame,
  type PeerConnection,
  type ScriptedPeer,
  startScriptedPeer,
} from '../support/scripted-peer.ts'
import type { Script } from '../support/socket-worker.ts'
import { type SocketWorker, startSocketWorker } from '../support/socket-worker-host.ts'

const TEXT = 1
const BINARY = 2
const CLOSE = 8
const MiB = 1024 * 1024

/** Before the runtime answered Close frames, before it made Blobs, and the newest. */
const DATES = ['2024-01-01', '2026-03-01', '2026-10-01'] as const

interface Exchange {
  readonly peer: PeerConnection
  readonly query: URLSearchParams
  /** The next frame, which is noted as seen. */
  next(): Promise<{ opcode: number }>
}

/** What the peer does once the socket is open. */
const ROUTES: Readonly<Record<string, (exchange: Exchange) => Promise<unknown>>> = {
  // Reads, and answers nothing.
  '/mute': ({ next }) => forever(next),
  // Sends a text and bytes in the write that accepts, before anybody can have listened; then closes.
  '/close': async ({ peer, query, next }) => {
    await peer.write(Buffer.concat([frame(TEXT, 'text'), frame(BINARY, 'bytes'), closeFrame(query)]))
    await untilClose(next)
    peer.end()
  },
  // Waits for the Close frame, and sends two messages before its own.
  '/await-close': async ({ peer, query, next }) => {
    await untilClose(next)
    await peer.write(Buffer.concat([frame(TEXT, 'text'), frame(BINARY, 'bytes'), closeFrame(query)]))
    peer.end()
  },
  // Closes, and drops the connection without waiting for an answer.
  '/close-and-drop': async ({ peer, query }) => {
    await peer.write(closeFrame(query))
    peer.end()
  },
  // One message, and the end of the connection once something has come.
  '/drop': async ({ peer, query, next }) => {
    await peer.write(frame(TEXT, 'text'))
    await next()
    if (query.get('how') === 'reset') peer.reset()
    else peer.end()
  },
  '/drop-at-once': async ({ peer }) => {
    await peer.write(Buffer.concat([frame(TEXT, 'one'), frame(TEXT, 'two')]))
    peer.end()
  },
  '/bytes': async ({ peer, query, next }) => {
    await peer.write(frame(BINARY, new Uint8Array(Number(query.get('size')))))
    await forever(next)
  },
  '/text': async ({ peer, query, next }) => {
    await peer.write(frame(TEXT, query.get('text')!))
    await forever(next)
  },
  '/flood': async ({ peer, next }) => {
    const message = frame(BINARY, new Uint8Array(4 * MiB))
    for (let left = 17; left > 0; left--) await peer.write(message)
    await forever(next)
  },
  '/raw': async ({ peer, query, next }) => {
    await peer.write(Buffer.from(query.get('hex')!, 'hex'))
    await forever(next)
  },
}

/** What the peer of the last script has seen, and its connection. */
let seen: string[]
let last: PeerConnection
let peer: ScriptedPeer
let worker: SocketWorker

beforeAll(async () => {
  peer = await startScriptedPeer(async (connection) => {
    const { head } = await connection.readRequest()
    const { pathname, searchParams: query } = new URL(head.split(' ')[1]!, 'ws://peer')
    const frames: string[] = []
    seen = frames
    last = connection
    const next = async () => {
      const { opcode, payload } = await connection.readFrame()
      frames.push(`${opcode} ${payload.toString(opcode === TEXT ? 'utf8' : 'hex')}`)
      return { opcode }
    }
    await connection.accept()
    await ROUTES[pathname]!({ peer: connection, query, next }).finally(() => connection.end())
  })
  worker = await startSocketWorker(DATES)
})
afterAll(async () => {
  await worker.close()
  await peer.close()
})

function closeFrame(query: URLSearchParams): Buffer {
  const code = query.get('code')
  return frame(CLOSE, code === null ? '' : closePayload(Number(code), query.get('reason') ?? ''))
}

async function untilClose(next: Exchange['next']): Promise<void> {
  while ((await next()).opcode !== CLOSE);
}

async function forever(next: Exchange['next']): Promise<never> {
  for (;;) await next()
}

/** A Close frame as it is seen. */
function close(code?: number, reason = ''): string {
  return `${CLOSE} ${code === undefined ? '' : closePayload(code, reason).toString('hex')}`
}

const LOST = { code: 'CONNECTION_CLOSED', closeStatus: 1006, wasClean: false }

describe.each(DATES)('at %s', (date) => {
  const play = async (path: string, steps: Script['steps'], options: Script['options'] = {}) => {
    const outcome = await worker.play(date, { url: peer.url + path, steps: steps ?? [], options })
    expect(outcome.failure).toBeUndefined()
    expect(outcome.unhandled).toEqual([])
    expect(outcome.socket.transport).toBe('fetch')
    return outcome
  }

  test('messages that came before anybody listened are there, bytes as bytes, then the Close frame, which is answered', async () => {
    const { results, socket } = await play('/close?code=4001&reason=away', [['receive all'], ['close']])
    expect(results[0]).toEqual(['text', { bytes: 5 }])
    expect(socket).toMatchObject({ state: 'closed', closeStatus: 4001, closeStatusDescription: 'away' })
    await vi.waitFor(() => expect(seen).toEqual([close(4001)]))
  })

  test('a Close frame without a code is answered without one', async () => {
    const { socket } = await play('/close', [['receive all'], ['close']])
    expect(socket).toMatchObject({ state: 'closed', closeStatus: 1005 })
    await vi.waitFor(() => expect(seen).toEqual([close()]))
  })

  test('the answer leaves even when the Worker is done at once', async () => {
    await play('/close?code=4001', [['receive all']])
    await vi.waitFor(() => expect(seen).toEqual([close(4001)]))
  })

  test('with allowHalfOpen there is time for last words', async () => {
    const steps = [['receive all'], ['show'], ['wait', 30], ['send', 'last words'], ['close', 4002, 'mine']] as const
    const { results, socket } = await play('/close?code=4001', steps, { allowHalfOpen: true })
    expect(results[1]).toMatchObject({ state: 'close-received', closeStatus: 4001 })
    expect(socket.state).toBe('closed')
    await vi.waitFor(() => expect(seen).toEqual([`${TEXT} last words`, close(4002, 'mine')]))
  })

  test('closing from our side waits for the answer, and messages before it can still be read', async () => {
    const { results, socket } = await play('/await-close?code=4003&reason=r', [['close', 4004, 'bye'], ['receive all']])
    expect(results).toEqual([null, ['text', { bytes: 5 }]])
    expect(socket).toMatchObject({ state: 'closed', closeStatus: 4003, closeStatusDescription: 'r' })
    expect(seen).toEqual([close(4004, 'bye')])
  })

  test('after closeOutput the rest can be received, but nothing sent', async () => {
    const { results } = await play('/await-close?code=1000', [
      ['closeOutput', 4005],
      ['send', 'more'],
      ['receive all'],
      ['show'],
    ])
    expect(results).toMatchObject([null, { code: 'INVALID_STATE' }, ['text', { bytes: 5 }], { state: 'closed' }])
    expect(seen).toEqual([close(4005)])
  })

  test('a peer that drops the connection after its Close frame has closed all the same', async () => {
    const { results, socket } = await play('/close-and-drop?code=4006', [['receive all'], ['wait', 150], ['close']])
    expect(results).toEqual([[], null, null])
    expect(socket).toMatchObject({ state: 'closed', closeStatus: 4006 })
  })

  test('a peer that does not answer our Close frame is cut off after closeTimeout', async () => {
    const { results, socket } = await play('/mute', [['starts', ['receive']], ['close'], ['settled']], {
      closeTimeout: 50,
    })
    expect(results[2]).toMatchObject([{ ...LOST, cause: { code: 'CLOSE_TIMEOUT', timeout: 50 } }])
    expect(socket).toMatchObject({ state: 'aborted', closeStatus: 1006 })
    await last.closed
  })

  test.each(['end', 'reset'])('a connection that is dropped fails what waits: %s', async (how) => {
    const steps = [['receive'], ['starts', ['receive']], ['send', 'go'], ['settled'], ['send', 'x'], ['close']] as const
    const { results, socket } = await play(`/drop?how=${how}`, steps)
    expect(results).toMatchObject(['text', null, null, [LOST], LOST, null])
    expect(socket).toMatchObject({ state: 'aborted', closeStatus: 1006, bufferedAmount: 0 })
  })

  test('what had come before the drop is received', async () => {
    const { results } = await play('/drop-at-once', [['receive all']])
    expect(results).toMatchObject([['one', 'two', LOST]])
  })

  test('abort cuts the connection at once', async () => {
    const steps = [['starts', ['receive']], ['abort'], ['settled'], ['send', 'x'], ['close']] as const
    const { results, socket } = await play('/mute', steps)
    expect(results).toMatchObject([null, null, [{ message: 'the reason' }], LOST, null])
    expect(socket).toMatchObject({ state: 'aborted', closeStatus: 1006 })
    await last.closed
    expect(seen).toEqual([])
  })

  test('a message above maxMessageSize is refused with 1009, one of that size taken', async () => {
    const limit = { maxMessageSize: 1000 }
    for (const path of ['/bytes?size=1000', `/text?text=${'€'.repeat(333)}x`]) {
      expect((await play(path, [['receive']], limit)).results[0]).not.toHaveProperty('code')
    }
    for (const path of ['/bytes?size=1001', `/text?text=${'€'.repeat(334)}`, `/text?text=${'x'.repeat(1001)}`]) {
      const { results, socket } = await play(path, [['receive'], ['wait', 20]], limit)
      expect(results[0]).toMatchObject({ code: 'MESSAGE_TOO_BIG', limit: 1000 })
      expect(socket).toMatchObject({ state: 'aborted', closeStatus: 1006 })
      expect(seen).toEqual([close(1009, 'The message is too big.')])
    }
  })

  test('the runtime takes no message above 32 MiB', async () => {
    expect((await play(`/bytes?size=${32 * MiB}`, [['receive']])).results).toEqual([{ bytes: 32 * MiB }])
    const { results, socket } = await play(`/bytes?size=${32 * MiB + 1}`, [['receive'], ['close']])
    expect(results).toMatchObject([{ code: 'MESSAGE_TOO_BIG', limit: 32 * MiB }, null])
    expect(socket.state).toBe('aborted')
  })

  test('more than 64 MiB that nobody reads end the connection, and not the Worker', async () => {
    const { results } = await play('/flood', [['until', 'aborted'], ['receive all']])
    const received = results[1] as unknown[]
    // What nobody reads counts with a little more than its length.
    expect(received.slice(0, -1)).toEqual(Array(16).fill({ bytes: 4 * MiB }))
    expect(received.at(-1)).toMatchObject({ ...LOST, message: expect.stringContaining('tcp') })
  })

  test.each([
    ['reserved bits', 'c10178', 'reserved-bits'],
    ['a reserved opcode', '850178', 'reserved-opcode'],
    ['a continuation of nothing', '800178', 'unexpected-continuation'],
    ['a fragmented Ping', '090178', 'fragmented-control'],
    ['a Close frame with a code that may not be sent', '880203ec', 'invalid-close-code'],
    ['a Close frame that says that there was none', '880203ee', 'invalid-close-code'],
  ])('%s is a ProtocolError', async (_, hex, violation) => {
    const { results, socket } = await play(`/raw?hex=${hex}`, [['receive']])
    expect(results).toMatchObject([{ code: 'PROTOCOL_VIOLATION', violation, closeCode: 1002 }])
    expect(socket).toMatchObject({ state: 'aborted', closeStatus: 1006 })
  })

  test('lone surrogates go out as U+FFFD', async () => {
    await play(
      '/mute',
      [
        ['send', 'a\ud800b'],
        ['send', '😀'],
        ['close', 1000],
      ],
      { closeTimeout: 20 },
    )
    expect(seen).toEqual([`${TEXT} a\ufffdb`, `${TEXT} 😀`, close(1000)])
  })

  test('a Ping is refused at once, and its peer is left alone', async () => {
    const { results } = await play('/mute', [['ping'], ['send', 'on'], ['abort']])
    expect(results[0]).toMatchObject({
      name: 'OptionsError',
      option: 'transport',
      message: expect.stringContaining('tcp'),
    })
    await vi.waitFor(() => expect(seen).toEqual([`${TEXT} on`]))
  })
})

test('nothing was written to the console of the Worker', () => {
  expect(worker.output.join('')).toBe('')
})
