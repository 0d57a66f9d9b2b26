import { Agent, request } from 'undici'
import { Agent as Agent6, request as request6 } from 'undici6'
import { Agent as Agent7, request as request7 } from 'undici7'
import { expect, onTestFinished, test, vi } from 'vitest'
import { type ClientWebSocket, connect, type Dispatcher } from '../src/index.ts'
import { server } from './support/servers.ts'

const COUNT = 100

interface Client {
  readonly agent: Dispatcher & { destroy(): Promise<void>; readonly closed?: boolean; readonly destroyed?: boolean }
  /** The body of the answer to a GET. */
  get(url: string): Promise<string>
}

const CLIENTS: Readonly<Record<string, () => Client>> = {
  'undici 6': () => {
    const agent = new Agent6()
    return { agent, get: async (url) => (await request6(url, { dispatcher: agent })).body.text() }
  },
  'undici 7': () => {
    const agent = new Agent7()
    return { agent, get: async (url) => (await request7(url, { dispatcher: agent })).body.text() }
  },
  'undici 8': () => {
    const agent = new Agent()
    return { agent, get: async (url) => (await request(url, { dispatcher: agent })).body.text() }
  },
}

test.each(Object.keys(CLIENTS))(
  'one dispatcher of %s serves 100 sockets and 100 requests, and stays open',
  async (name) => {
    const { agent, get } = CLIENTS[name]!()
    onTestFinished(() => agent.destroy())
    const { url, port, requests } = await server()
    const dispatch = vi.spyOn(agent, 'dispatch')
    const sockets: Promise<ClientWebSocket>[] = []
    const answers: Promise<string>[] = []
    for (let i = 0; i < COUNT; i++) {
      sockets.push(connect(`${url}/echo?${i}`, { dispatcher: agent }))
      answers.push(get(`http://127.0.0.1:${port}/${i}`))
    }
    const open = await Promise.all(sockets)
    expect(await Promise.all(answers)).toEqual(Array.from({ length: COUNT }, (_, i) => `GET /${i}`))
    expect(dispatch).toHaveBeenCalledTimes(2 * COUNT)
    expect(requests.length).toBe(2 * COUNT)

    const echoes = open.map(async (socket, i) => {
      await socket.send(`message ${i}`)
      return await socket.receive()
    })
    expect(await Promise.all(echoes)).toEqual(Array.from({ length: COUNT }, (_, i) => `message ${i}`))
    // Requests go on beside sockets that are open, and after they have been closed.
    expect(await get(`http://127.0.0.1:${port}/beside`)).toBe('GET /beside')
    await Promise.all(open.map((socket) => socket.close()))
    expect(open.map(({ state }) => state)).toEqual(Array.from({ length: COUNT }, () => 'closed'))
    expect(agent).toMatchObject({ closed: false, destroyed: false })
    expect(await get(`http://127.0.0.1:${port}/after`)).toBe('GET /after')
    await using again = await connect(`${url}/echo`, { dispatcher: agent })
    expect(again.state).toBe('open')
  },
)

test('connects that fail leave the dispatcher open as well', async () => {
  const agent = new Agent()
  onTestFinished(() => agent.destroy())
  const { url, port } = await server()
  const paths = ['/refuse', '/silent', '/redirect?to=/echo']
  for (const path of paths) {
    await expect(connect(url + path, { dispatcher: agent, handshakeTimeout: 30 })).rejects.toThrow()
  }
  expect(agent).toMatchObject({ closed: false, destroyed: false })
  expect(await (await request(`http://127.0.0.1:${port}/`, { dispatcher: agent })).body.text()).toBe('GET /')
})
