/**
 * Runs the Worker on this machine, without an account or the network: `npm run dev`, or `npm run dev -- --port 9000`.
 * It may connect to a server that is started beside it.
 */
import { spawn } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { startWebSocketServer } from '../test/support/websocket-server.ts'

const root = fileURLToPath(new URL('..', import.meta.url))
const QUIET = {
  WRANGLER_SEND_METRICS: 'false',
  WRANGLER_SEND_ERROR_REPORTS: 'false',
  WRANGLER_HIDE_BANNER: 'true',
  CLOUDFLARE_CF_FETCH_ENABLED: 'false',
}

/** Of the server beside it, and what each is good for. */
const PATHS = [
  ['relay', '/echo', 'talk to a server that sends back what it gets'],
  ['feed', '/ticks', 'listen to one that sends something every second'],
  ['inspect', '/refuse?status=503&retry-after=3', 'see how one refuses'],
] as const

const { port } = parseArgs({ options: { port: { type: 'string', default: '8787' } } }).values
const server = await startWebSocketServer()
for (const [route, path, what] of PATHS) {
  console.log(`${what}:\n  http://127.0.0.1:${port}/?${new URLSearchParams({ route, url: `${server.url}${path}` })}`)
}
const args = ['dev', '--ip', '127.0.0.1', '--port', port, '--var', `UPSTREAMS:${server.url}`]
console.log()
// Ctrl+C reaches all processes of a group, and wrangler wants to end its own: it has a group to itself.
const wrangler = spawn(process.execPath, [`${root}node_modules/wrangler/bin/wrangler.js`, ...args], {
  cwd: root,
  env: { ...process.env, ...QUIET },
  stdio: ['ignore', 'inherit', 'inherit'],
  detached: true,
})
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => wrangler.kill(signal))
wrangler.on('exit', async (code) => {
  await server.close()
  process.exitCode = code ?? 0
})
