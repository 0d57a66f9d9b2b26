import { execFile } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type RunningWorker, startWorker } from '../support/miniflare.ts'

const root = fileURLToPath(new URL('../..', import.meta.url))
const QUIET = {
  WRANGLER_SEND_METRICS: 'false',
  WRANGLER_SEND_ERROR_REPORTS: 'false',
  CLOUDFLARE_CF_FETCH_ENABLED: 'false',
}

describe('the routes', () => {
  let worker: RunningWorker

  beforeAll(async () => {
    worker = await startWorker({ UPSTREAMS: 'wss://a.example wss://b.example:8443' })
  })
  afterAll(() => worker.close())

  test('/ is a page that runs nothing but itself, and offers the upstreams', async () => {
    const response = await fetch(`${worker.url}/`)
    const text = await response.text()
    const policy = response.headers.get('content-security-policy') ?? ''
    const [, nonce] = /script-src 'nonce-([^']+)'/.exec(policy) ?? []
    expect(response.headers.get('content-type')).toBe('text/html; charset=utf-8')
    expect(policy).toContain("default-src 'none'")
    expect(text).toContain(`<script type="module" nonce="${nonce}">`)
    expect(text).toContain('<option value="wss://b.example:8443/">')
    expect(await (await fetch(`${worker.url}/`)).text()).not.toContain(nonce)
  })

  test('every other path is answered with the list of them', async () => {
    const response = await fetch(`${worker.url}/relay/`)
    const text = await response.text()
    expect(response.status).toBe(404)
    for (const route of ['GET / ', 'GET /inspect?url=', 'GET /relay?url=', 'GET /feed?url='])
      expect(text).toContain(route)
  })

  test.each([
    ['POST', '/', 'GET, HEAD'],
    ['HEAD', '/inspect?url=wss://a.example', 'GET'],
    ['POST', '/relay?url=wss://a.example', 'GET'],
    ['DELETE', '/feed?url=wss://a.example', 'GET'],
  ])('%s %s is answered with what may be done', async (method, path, allow) => {
    const response = await fetch(`${worker.url}${path}`, { method })
    expect([response.status, response.headers.get('allow')]).toEqual([405, allow])
  })

  test('HEAD / is allowed', async () => {
    expect((await fetch(`${worker.url}/`, { method: 'HEAD' })).status).toBe(200)
  })

  test.each(['relay', 'feed'])('/%s without an upgrade asks for one', async (route) => {
    const response = await fetch(`${worker.url}/${route}?url=wss://a.example`)
    expect([response.status, await response.text()]).toEqual([426, expect.stringContaining('Upgrade: websocket')])
  })
})

test('wrangler bundles the Worker as it stands', async () => {
  const outdir = await mkdtemp(join(tmpdir(), 'hawser-worker-'))
  const args = [`${root}node_modules/wrangler/bin/wrangler.js`, 'deploy', '--dry-run', '--outdir', outdir]
  const { stdout } = await promisify(execFile)(process.execPath, args, { cwd: root, env: { ...process.env, ...QUIET } })
  await rm(outdir, { recursive: true })
  expect(stdout).toContain('env.FEED')
  expect(stdout).toContain('env.UPSTREAMS')
  expect(stdout).toContain('--dry-run: exiting now.')
})
