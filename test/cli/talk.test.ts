import { once } from 'node:events'
import { closeSync, openSync } from 'node:fs'
import { setTimeout as delay } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { closePayload, frame, type PeerConnection, startScriptedPeer } from '../support/scripted-peer.ts'
import { type RunningServer, startWebSocketServer } from '../support/websocket-server.ts'
import { Hawser, hawser, spawnSource } from './hawser.ts'

const TEXT = 1
const BINARY = 2
const CLOSE = 8
const KiB = 1024
const MiB = 1024 * KiB

let server: RunningServer

beforeAll(async () => {
  server = await startWebSocketServer()
})

afterAll(() => server.close())

/** Answers the Close frame that is to come next. */
async function close(connection: PeerConnection, code = 1000): Promise<void> {
  expect(await connection.readFrame()).toMatchObject({ opcode: CLOSE })
  await connection.write(frame(CLOSE, closePayload(code)))
  connection.end()
}

describe('in a pipe', () => {
  test('lines are sent, answers printed, and the end is clean', async () => {
    const { code, stdout, stderr } = await hawser([`${server.url}/echo`], { input: 'hi\ngrün 👋\n\nlast' })
    expect({ code, stdout }).toEqual({ code: 0, stdout: 'hi\ngrün 👋\n\nlast\n' })
    expect(stderr).toMatch(/Closed: 1000\n$/)
  })

  test('many lines come back in order', async () => {
    const input = Array.from({ length: 20_000 }, (_, i) => `line ${i}\n`).join('')
    const { code, stdout } = await hawser([`${server.url}/echo`], { input })
    expect(code).toBe(0)
    expect(stdout === input).toBe(true)
  })

  test('a binary message is a line of its size and its bytes', async () => {
    const { stdout } = await hawser([`${server.url}/messages?count=2&size=3`])
    expect(stdout).toBe('<3 bytes> 787878\n<3 bytes> 787878\n')
  })

  test('an answer that takes its time is waited for before the Close frame goes out', async () => {
    await using peer = await startScriptedPeer(async (connection) => {
      await connection.accept()
      await connection.readFrame()
      await delay(200)
      await connection.write(frame(TEXT, 'late'))
      await close(connection)
    })
    const { code, stdout } = await hawser([peer.url], { input: 'hi' })
    expect({ code, stdout }).toEqual({ code: 0, stdout: 'late\n' })
  })

  test('what comes after our Close frame is still printed', async () => {
    await using peer = await startScriptedPeer(async (connection) => {
      await connection.accept()
      expect(await connection.readFrame()).toMatchObject({ opcode: CLOSE, payload: closePayload(1000) })
      await connection.write(frame(BINARY, 'late'))
      await connection.write(frame(CLOSE, closePayload(1000)))
    })
    const { code, stdout } = await hawser(['-w', '0', peer.url])
    expect({ code, stdout }).toEqual({ code: 0, stdout: '<4 bytes> 6c617465\n' })
  })

  test('--wait forever leaves the end to the server', async () => {
    await using peer = await startScriptedPeer(async (connection) => {
      await connection.accept()
      await delay(700)
      await connection.write(frame(TEXT, 'last'))
      await connection.write(frame(CLOSE, closePayload(1001)))
      await close(connection, 1001)
    })
    const { code, stdout } = await hawser(['--wait', 'forever', peer.url])
    expect({ code, stdout }).toEqual({ code: 0, stdout: 'last\n' })
  })

  test('a server that closes ends it while stdin is open', async () => {
    await using run = new Hawser([`${server.url}/close?code=1000&reason=bye`])
    const { code, stderr } = await run.ended()
    expect(code).toBe(0)
    expect(stderr).toMatch(/Closed: 1000 bye\n$/)
  })

  test('a reader that goes away ends it quietly', async () => {
    await using run = new Hawser([`${server.url}/messages?count=1000000&size=1000&type=text`], { readStdout: false })
    await once(run.child.stdout, 'readable')
    run.child.stdout.destroy()
    const { code, stderr } = await run.ended()
    expect(code).toBe(0)
    expect(stderr).not.toContain('hawser:')
    expect(stderr).not.toContain('EPIPE')
  })

  test('stdin that cannot be read is told, and the server is left politely', async () => {
    await using peer = await startScriptedPeer(async (connection) => {
      await connection.accept()
      await close(connection)
    })
    const file = openSync('/dev/null', 'w')
    const child = spawnSource('src/cli/main.ts', [peer.url], { stdin: file })
    closeSync(file)
    let stderr = ''
    child.stderr?.setEncoding('utf8').on('data', (text: string) => {
      stderr += text
    })
    const [code] = await once(child, 'close')
    expect(code).toBe(1)
    expect(stderr).toContain('hawser: Cannot read stdin. (EBADF')
  })
})

describe('an end that is not good', () => {
  test.each([
    ['a close code that tells of a failure', '/close?code=1011&reason=broken', 'Closed: 1011 broken\n'],
    ['a close code of the application', '/close?code=4001', 'Closed: 4001\n'],
  ])('%s makes it exit with 1', async (_, path, end) => {
    const { code, stderr } = await hawser([server.url + path])
    expect(code).toBe(1)
    expect(stderr.endsWith(end)).toBe(true)
  })

  test('a Close frame without a code is a good one', async () => {
    const { code, stderr } = await hawser([`${server.url}/close`])
    expect(code).toBe(0)
    expect(stderr).toMatch(/Closed: without a code\n$/)
  })

  test('a lost connection makes it exit with 1, after what had come', async () => {
    await using peer = await startScriptedPeer(async (connection) => {
      await connection.accept()
      await connection.write(frame(TEXT, 'first'))
      connection.end()
    })
    const { code, stdout, stderr } = await hawser([peer.url])
    expect({ code, stdout }).toEqual({ code: 1, stdout: 'first\n' })
    expect(stderr).toContain('\nhawser: The server ended the connection without a Close frame.\n')
  })

  test('a server that breaks the protocol makes it exit with 1', async () => {
    await using peer = await startScriptedPeer(async (connection) => {
      await connection.accept()
      await connection.write(frame(TEXT, 'masked', { mask: true }))
      await connection.closed
    })
    const { code, stderr } = await hawser(['-w', 'forever', peer.url])
    expect(code).toBe(1)
    expect(stderr).toMatch(/\nhawser: .+\n$/)
  })
})

describe('Ctrl-C', () => {
  test.each(['SIGINT', 'SIGTERM'] as const)('closes with 1000, and exits with 130 (%s)', async (signal) => {
    let closed: Buffer | undefined
    await using peer = await startScriptedPeer(async (connection) => {
      await connection.accept()
      closed = (await connection.readFrame()).payload
      await connection.write(frame(CLOSE, closed))
    })
    await using run = new Hawser([peer.url])
    await run.shows('stderr', 'Connected')
    run.child.kill(signal)
    const { code, stderr } = await run.ended()
    expect(code).toBe(130)
    expect(stderr).toMatch(/Closed: 1000\n$/)
    expect(closed).toEqual(closePayload(1000))
  })

  test('before the end of --json exits with 130, though the server closes well', async () => {
    const answer = Promise.withResolvers<void>()
    await using peer = await startScriptedPeer(async (connection) => {
      await connection.accept()
      await answer.promise
      await close(connection)
    })
    await using run = new Hawser(['--json', peer.url])
    await run.shows('stdout', '"connected":true')
    run.child.kill('SIGINT')
    await delay(100)
    answer.resolve()
    expect((await run.ended()).code).toBe(130)
  })

  test('before the end of --ping exits with 130', async () => {
    await using peer = await startScriptedPeer(async (connection) => {
      await connection.accept()
      await connection.readFrame()
      await close(connection)
    })
    await using run = new Hawser(['--ping', peer.url])
    await run.shows('stderr', 'Connected')
    run.child.kill('SIGINT')
    expect(await run.ended()).toMatchObject({ code: 130, stdout: '' })
  })

  test('for the second time cuts the connection', async () => {
    const gotClose = Promise.withResolvers<void>()
    await using peer = await startScriptedPeer(async (connection) => {
      await connection.accept()
      await connection.readFrame()
      gotClose.resolve()
      await connection.closed
    })
    await using run = new Hawser([peer.url])
    await run.shows('stderr', 'Connected')
    run.child.kill('SIGINT')
    await gotClose.promise
    run.child.kill('SIGINT')
    expect((await run.ended()).code).toBe(130)
  })

  test('ends it while it connects', async () => {
    const requests = server.requests.length
    await using run = new Hawser([`${server.url}/silent`])
    await expect.poll(() => server.requests.length).toBe(requests + 1)
    run.child.kill('SIGINT')
    expect(await run.ended()).toEqual({ code: 130, stdout: '', stderr: '' })
  })
})

describe('back-pressure', () => {
  const CHUNK = 64 * KiB
  const TOTAL = 64 * MiB

  /** Resolves to the value once it has not changed for a while. */
  async function settled(value: () => number): Promise<number> {
    let [last, current] = [-1, value()]
    while (current !== last) {
      await delay(300)
      last = current
      current = value()
    }
    return current
  }

  test('a slow reader of stdout holds back the server', async () => {
    let written = 0
    await using peer = await startScriptedPeer(async (connection) => {
      await connection.accept()
      const message = frame(TEXT, 'x'.repeat(CHUNK - 1))
      while (written < TOTAL) {
        await connection.write(message)
        written += CHUNK
      }
      await connection.write(frame(CLOSE, closePayload(1000)))
      await connection.readFrame()
    })
    await using run = new Hawser(['-w', 'forever', peer.url], { readStdout: false })
    await run.shows('stderr', 'Connected')
    expect(await settled(() => written)).toBeLessThan(TOTAL / 2)
    run.collect()
    const { code, stdout } = await run.ended()
    expect({ code, length: stdout.length }).toEqual({ code: 0, length: TOTAL })
  })

  test('a server that does not read holds back stdin', async () => {
    await using run = new Hawser([`${server.url}/stalled`])
    const line = `${'x'.repeat(CHUNK - 1)}\n`
    let taken = 0
    const onTaken = (error: Error | null | undefined) => {
      if (!error) taken += CHUNK
    }
    for (let asked = 0; asked < TOTAL; asked += CHUNK) run.child.stdin.write(line, onTaken)
    await run.shows('stderr', 'Connected')
    expect(await settled(() => taken)).toBeLessThan(TOTAL / 2)
  })
})
