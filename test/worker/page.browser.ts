import { mkdirSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import type { Browser, Page } from 'playwright-core'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { type RunningWorker, startWorker } from '../support/miniflare.ts'
import { type RunningServer, startWebSocketServer } from '../support/websocket-server.ts'
import { launch } from './chromium.ts'
import { Upstream } from './upstream.ts'

/** Kept by CI, not by git. */
const ARTIFACTS = fileURLToPath(new URL('../../artifacts/', import.meta.url))

describe('the page', () => {
  let server: RunningServer
  let ticker: Upstream
  let worker: RunningWorker
  let browser: Browser
  let page: Page
  /** What the browser complains about. */
  const complaints: string[] = []

  beforeAll(async () => {
    mkdirSync(ARTIFACTS, { recursive: true })
    server = await startWebSocketServer()
    ticker = await Upstream.start((webSocket) => webSocket.send('tick'))
    worker = await startWorker({ UPSTREAMS: `${server.url} ${ticker.url}` })
    browser = await launch()
  })
  afterAll(async () => {
    await browser.close()
    await worker.close()
    await server.close()
    await ticker[Symbol.asyncDispose]()
  })
  beforeEach(async () => {
    page = await browser.newPage({ viewport: { width: 900, height: 860 } })
    page.on('console', (message) => ['error', 'warning'].includes(message.type()) && complaints.push(message.text()))
    page.on('pageerror', (error) => complaints.push(error.message))
    await page.goto(worker.url)
  })
  afterEach(async () => {
    await page.close()
    expect(complaints.splice(0)).toEqual([])
  })

  const choose = (name: string) => page.getByRole('radio', { name }).check({ force: true })
  const url = () => page.getByLabel('Upstream URL')
  const status = () => page.getByRole('status')
  const messages = () => page.getByRole('log').locator('.text').allTextContents()
  const button = (name: string) => page.getByRole('button', { name })
  const statusSays = (text: string) => status().filter({ hasText: text }).waitFor()
  const logSays = (text: string) => page.getByRole('log').getByText(text).first().waitFor()

  test('begins with the first upstream that is allowed', async () => {
    expect(await url().inputValue()).toBe(`${server.url}/`)
    expect(await status().textContent()).toBe('Not asked yet')
  })

  test('is linked to with what to try', async () => {
    await page.goto(`${worker.url}/?${new URLSearchParams({ route: 'feed', url: `${ticker.url}/linked` })}`)
    expect(await page.getByRole('radio', { name: 'Feed' }).isChecked()).toBe(true)
    expect(await url().inputValue()).toBe(`${ticker.url}/linked`)
    expect(ticker.asked).toHaveLength(0)
  })

  test('inspects: shows the JSON and what it comes to', async () => {
    await url().fill(`${server.url}/subprotocols`)
    await page.getByLabel('Subprotocols').fill('v2, v1')
    await button('Inspect').click()
    await statusSays('101 Switching Protocols')
    const shown = JSON.parse((await page.locator('pre').textContent()) ?? '')
    expect(shown).toMatchObject({ open: true, status: 101, subprotocol: 'v2' })
  })

  test('inspects: shows a refusal', async () => {
    await url().fill(`${server.url}/refuse?status=503&retry-after=3`)
    await url().press('Enter')
    await statusSays('503 Service Unavailable')
    const shown = JSON.parse((await page.locator('pre').textContent()) ?? '')
    expect(shown).toMatchObject({ open: false, status: 503, retriable: true, retryAfter: 3000, body: 'refused' })
    await page.screenshot({ path: `${ARTIFACTS}worker-page-inspect.png` })
  })

  test('inspects: shows why an upstream is not asked', async () => {
    await url().fill('wss://elsewhere.example')
    await button('Inspect').click()
    await statusSays('403 from the Worker')
    expect(await page.locator('pre').textContent()).toContain('is not allowed')
    // The answer is what was asked for: the browser notes its status nevertheless.
    expect(complaints.splice(0)).toEqual([expect.stringContaining('403')])
  })

  test('relays: sends what is typed, shows what comes, and closes', async () => {
    await choose('Relay')
    await url().fill(`${server.url}/echo`)
    await button('Connect').click()
    await statusSays('Open')
    for (const text of ['Grüße an alle ✓', '<b>not markup</b>', '{"type":"ping"}']) {
      // It has the focus: one can type at once.
      await page.keyboard.insertText(text)
      await page.keyboard.press('Enter')
      await page.getByRole('log').locator('[data-kind=received]').getByText(text).waitFor()
    }
    await page.screenshot({ path: `${ARTIFACTS}worker-page.png` })
    await button('Disconnect').click()
    await statusSays('Closed, 1000')
    expect(await button('Send').isDisabled()).toBe(true)
    const [, , ...others] = await messages()
    expect(others.slice(0, 2)).toEqual(['Grüße an alle ✓', 'Grüße an alle ✓'])
    expect(others.at(-1)).toBe('Closed with 1000')
  })

  test('relays: says why it was refused, which the browser does not', async () => {
    await choose('Relay')
    await url().fill(`${server.url}/refuse?status=401`)
    await button('Connect').click()
    await logSays('answered 401 Unauthorized')
    expect(await status().textContent()).toBe('401 Unauthorized')
    expect(complaints.splice(0).join()).toContain('401')
  })

  test('feeds: shows what the upstream sends, in two pages at once', async () => {
    const second = await browser.newPage()
    await second.goto(worker.url)
    for (const one of [page, second]) {
      await one.getByRole('radio', { name: 'Feed' }).check({ force: true })
      await one.getByLabel('Upstream URL').fill(`${ticker.url}/ticks`)
      await one.getByRole('button', { name: 'Connect' }).click()
      await one.getByRole('log').getByText('Subscribed').waitFor()
    }
    await logSays('tick')
    ticker.webSocket.send('news')
    for (const one of [page, second]) await one.getByRole('log').getByText('news').waitFor()
    expect(ticker.most).toBe(1)
    await second.close()
  })

  test('is used by keyboard alone', async () => {
    await page.keyboard.press('Tab')
    await page.keyboard.press('ArrowRight')
    expect(await page.getByRole('radio', { name: 'Relay' }).isChecked()).toBe(true)
    await page.keyboard.press('Tab')
    await page.keyboard.press('ControlOrMeta+A')
    await page.keyboard.insertText(`${server.url}/close?code=4321&reason=done`)
    await page.keyboard.press('Enter')
    await statusSays('Closed, 4321')
    await logSays('Closed with 4321: done')
  })

  test('is dark where one likes it, and narrow where it has to be', async () => {
    await page.emulateMedia({ colorScheme: 'dark' })
    await page.setViewportSize({ width: 360, height: 760 })
    const ground = await page.evaluate('getComputedStyle(document.documentElement).backgroundColor')
    const width = await page.evaluate('document.documentElement.scrollWidth')
    expect(ground).toBe('rgb(17, 21, 23)')
    expect(width).toBe(360)
    await page.screenshot({ path: `${ARTIFACTS}worker-page-dark.png` })
  })
})
