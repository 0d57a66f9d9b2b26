import { fileURLToPath } from 'node:url'
import { expect, onTestFinished, test } from 'vitest'
import { startScript } from '../support/miniflare.ts'
import { server } from '../support/servers.ts'

test('in Workers with nodejs_compat the channels tell what they tell elsewhere', async () => {
  const { url } = await server()
  const entry = fileURLToPath(new URL('telemetry.worker.ts', import.meta.url))
  const worker = await startScript(entry, { compatibilityFlags: ['nodejs_compat'] })
  onTestFinished(() => worker.close())
  const response = await fetch(`${worker.url}/?url=${encodeURIComponent(`${url}/echo?token=secret`)}`)
  const of = { id: 1, url: `${url}/echo` }
  expect(await response.json()).toMatchObject([
    { channel: 'hawser:handshake:start', ...of },
    { channel: 'hawser:handshake:response', ...of, transport: 'tcp', httpVersion: '1.1', status: 101 },
    { channel: 'hawser:open', ...of, transport: 'tcp', httpVersion: '1.1', status: 101 },
    { channel: 'hawser:ping', ...of },
    {
      channel: 'hawser:close',
      ...of,
      closeStatus: 1000,
      wasClean: true,
      sent: { messages: 1, bytes: 33 },
      received: { messages: 1, bytes: 21 },
    },
  ])
})
