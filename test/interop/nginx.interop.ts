import { describe, onTestFinished, test } from 'vitest'
import { failure } from '../support/servers.ts'
import { Gateway } from './gateway.ts'
import { gatewaySuite } from './gateway-suite.ts'
import { nginx } from './gateways.ts'
import { WAYS } from './ways.ts'

gatewaySuite(nginx)

describe('nginx, HTTP/2 and nothing else', () => {
  test('fails over TLS, for want of extended CONNECT', async () => {
    const gateway = await started()
    await failure(gateway.open(WAYS['wss over HTTP/2'], '/echo'), 'EXTENDED_CONNECT_UNSUPPORTED')
  })

  test('fails without TLS, for want of HTTP/2', async () => {
    const gateway = await started()
    await failure(gateway.open(WAYS['ws over HTTP/2'], '/echo'), 'HTTP2_UNAVAILABLE')
  })
})

async function started(): Promise<Gateway> {
  const gateway = await Gateway.start(nginx)
  onTestFinished(() => gateway.stop())
  return gateway
}
