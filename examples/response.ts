import { connect } from 'hawser'
import type { Page } from './page.ts'
import type { Servers } from './servers.ts'

export async function response(page: Page, { plain }: Servers): Promise<void> {
  const ws = await connect(`${plain.url}/headers`, { headers: { 'x-client': 'hawser' } })
  const { httpVersion, httpStatusCode, httpStatusText, httpResponseHeaders } = ws
  const received = await ws.receive()
  await ws.close()

  page.response(`HTTP/${httpVersion} ${httpStatusCode} ${httpStatusText}`, httpResponseHeaders ?? [])
  page.claim(httpStatusCode === 101, `ws.httpStatusCode is ${httpStatusCode}`)
  const cookies = httpResponseHeaders?.getSetCookie() ?? []
  page.claim(cookies.length === 2, `every header is there, repeated ones too: the cookies ${cookies.join(' and ')}`)
  page.claim(String(received).includes('"x-client","hawser"'), 'the server saw our header x-client: hawser')
}
