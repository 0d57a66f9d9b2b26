import { failureOf } from './failure.ts'
import type { Page } from './page.ts'
import type { Servers } from './servers.ts'

export async function refusal(page: Page, { plain }: Servers): Promise<void> {
  const { code, response, retriable, retryAfter } = await failureOf(`${plain.url}/refuse?status=429&retry-after=3`)
  if (response === undefined) throw new Error('There was no response')
  const { httpVersion, status, statusText, headers, body } = response
  page.response(`HTTP/${httpVersion} ${status} ${statusText}`, headers, new TextDecoder().decode(body))
  page.claim(code === 'UPGRADE_REFUSED' && status === 429, `error.code is ${code}, and error.response has all of this`)
  page.claim(retriable && retryAfter === 3000, `worth a retry, after ${retryAfter} ms`)

  const other = await failureOf(`${plain.url}/refuse?status=403`)
  page.claim(!other.retriable, `not worth a retry: ${other.response?.status} ${other.response?.statusText}`)
}
