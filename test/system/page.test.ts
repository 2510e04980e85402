/** The real page against the real pipeline: from a line in a GBK file to a mark on the screen and a file in hand. */
import { appendFileSync, cpSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { Browser, Page } from 'playwright-core'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { blanksBetween, sampleFiles } from '../shipper/samples.ts'
import { launchBrowser } from '../ui/browser.ts'
import { count, exportText, type ShiplogProcess, startShiplog, temporaryFolder, waitFor } from './process.ts'

const samples = fileURLToPath(new URL('../fixtures/samples/', import.meta.url))
const artifacts = fileURLToPath(new URL('../../test-artifacts/system/', import.meta.url))
/** The pictures of the README are these; UPDATE_PICTURES=1 puts them there. */
const pictures =
  process.env.UPDATE_PICTURES === '1' ? fileURLToPath(new URL('../../docs/pictures/', import.meta.url)) : undefined
const apps = ['order-service', '2048', 'gateway', 'shop-tomcat', 'scheduler', 'edge-cases']
const folder = temporaryFolder('page')
let shiplog: ShiplogProcess
let startArguments: string[]
let browser: Browser
let page: Page
const complaints: string[] = []

beforeAll(async () => {
  mkdirSync(artifacts, { recursive: true })
  for (const app of apps) cpSync(join(samples, app), join(folder.path, 'logs', app), { recursive: true })
  const args = [
    '--root',
    join(folder.path, 'logs'),
    '--data',
    join(folder.path, 'data'),
    '--timezone',
    'Asia/Shanghai',
    '--line-idle-ms',
    '100',
    '--retention-days',
    '0',
  ]
  startArguments = args
  ;[shiplog, browser] = await Promise.all([startShiplog(args), launchBrowser()])
  const shipped = sampleFiles.filter((file) => apps.includes(file.app))
  const events = shipped.reduce((sum, file) => sum + file.events + blanksBetween(file), 0)
  await waitFor(async () => (await count(shiplog.url)) >= events, 10_000, `${events} events in the store`)
  page = await browser.newPage({
    viewport: { width: 1200, height: 720 },
    locale: 'zh-CN',
    timezoneId: 'Asia/Shanghai',
    reducedMotion: 'reduce',
  })
  page.setDefaultTimeout(10_000)
  page.on('pageerror', (error) => complaints.push(error.message))
  page.on('console', (message) => message.type() === 'error' && complaints.push(message.text()))
}, 60_000)

afterAll(async () => {
  await browser?.close()
  await shiplog?.kill()
  folder.cleanUp()
})

async function keepPicture(name: string): Promise<void> {
  const picture = await page.screenshot({ path: join(artifacts, `${name}.png`) })
  if (pictures !== undefined) writeFileSync(join(pictures, `${name}.png`), picture)
}

/** The eight minutes in which the programs behind the samples ran. */
const range = { from: '2026-11-22T21:13:00Z', to: '2026-11-22T21:21:00Z' }

test('an app is chosen, a Chinese word inside a sentence of a GBK file is found and marked', async () => {
  await page.goto(`${shiplog.url}/?${new URLSearchParams(range)}`)
  await page.getByRole('link', { name: /order-service/ }).click()
  await page.locator('.line').first().waitFor()
  await page.keyboard.press('/')
  await page.keyboard.type('库存不足')
  await page.keyboard.press('Enter')
  await page.locator('.line mark').first().waitFor()
  expect(await page.locator('.line mark').first().textContent()).toBe('库存不足')
  await page.screenshot({ path: join(artifacts, 'search-zh-CN.png') })
})

test('the lines around a hit come from its own file', async () => {
  await page.locator('.line').first().click()
  await expect.poll(() => page.getByRole('complementary').textContent()).toMatch(/erp-gbk\.log/)
  await keepPicture('search-zh-CN-light')
})

test('the export is exactly what was searched', async () => {
  const download = page.waitForEvent('download')
  await page.getByRole('button', { name: '导出日志' }).click()
  await page.getByRole('button', { name: '保存为文本' }).click()
  const path = await (await download).path()
  const query = { app: 'order-service', q: '库存不足', format: 'txt', ...range }
  expect(readFileSync(path, 'utf8')).toBe(await exportText(shiplog.url, query))
})

test('JSON lines are read by their fields, in columns and as a tree', async () => {
  await page.emulateMedia({ colorScheme: 'dark' })
  const query = {
    ...range,
    cluster: 'default',
    app: 'gateway',
    q: 'level>=warn',
    lang: 'en',
    cols: 'time,level,.reqId',
  }
  await page.goto(`${shiplog.url}/search?${new URLSearchParams(query)}`)
  await page.locator('[data-column=".reqId"]:not(:empty)').first().waitFor()
  await page.locator('.line-fold').nth(1).click()
  await expect.poll(() => page.locator('.json').textContent()).toMatch(/reqId: "/)
  await keepPicture('search-en-dark')
})

test('the terminal colours of a real log are shown, its codes are not', async () => {
  const query = { ...range, to: '2027-01-01T00:00:00Z', cluster: 'default', app: 'edge-cases', dir: '/ansi' }
  await page.goto(`${shiplog.url}/search?${new URLSearchParams(query)}`)
  await page.locator('.line .ansi-green').first().waitFor()
  expect(await page.locator('.lines').textContent()).not.toMatch(/\[\d+m/)
})

test('the first screen shows the apps, the files page what is shipped', async () => {
  await page.emulateMedia({ colorScheme: 'light' })
  await page.goto(`${shiplog.url}/?${new URLSearchParams({ ...range, lang: 'en' })}`)
  await expect.poll(() => page.locator('.app-card-instances').count()).toBe(apps.length)
  await expect.poll(() => page.locator('.app-card-bar').count()).toBe(36 * apps.length)
  await keepPicture('apps-en-light')
  await page.getByRole('link', { name: 'Files' }).click()
  // Ten seconds after its last line a file is at its end.
  await page
    .getByRole('cell', { name: /^(following|at its end)$/ })
    .first()
    .waitFor()
  const { total } = (await (await fetch(`${shiplog.url}/api/v1/files`)).json()) as { total: number }
  expect(total).toBeGreaterThan(20)
  expect(await page.getByRole('table').getAttribute('aria-rowcount')).toBe(String(total + 1))
  await page.screenshot({ path: join(artifacts, 'files-en.png') })
})

test('a query that cannot be read is shown with its place', async () => {
  await page.goto(`${shiplog.url}/?${new URLSearchParams({ ...range, cluster: 'default', app: '2048' })}`)
  await page.locator('.line').first().waitFor()
  await page.keyboard.press('/')
  await page.keyboard.type('"unclosed')
  await page.keyboard.press('Enter')
  await page.getByRole('alert').first().waitFor()
  expect(complaints.filter((text) => !text.includes('400'))).toEqual([])
})

test('the lines around one go on over a rotation, to the beginning and the end', async () => {
  const path = join(folder.path, 'logs/order-service/order-service-rotated/logs/rotated.log')
  const write = (from: number, to: number) => {
    for (let n = from; n <= to; n++) appendFileSync(path, `${new Date().toISOString()} INFO event ${n}\n`)
  }
  const query = { cluster: 'default', app: 'order-service', instance: 'order-service-rotated', lang: 'en' }
  const { instance } = query
  const stored = (events: number) => waitFor(async () => (await count(shiplog.url, { instance })) === events)
  mkdirSync(dirname(path), { recursive: true })
  write(1, 300)
  await stored(300)
  renameSync(path, `${path}.1`)
  write(301, 600)
  await stored(600)
  await page.goto(`${shiplog.url}/search?${new URLSearchParams({ ...query, q: '"event 301"' })}`)
  await page.locator('.line').first().click()
  const around = page.locator('.context-line')
  const seen = async () => (await around.allTextContents()).map((text) => Number(text.replace(/^.*event /, '')))
  const whole = async () => {
    const numbers = await seen()
    expect(numbers).toEqual(numbers.map((_, at) => (numbers[0] ?? 0) + at))
    return numbers
  }
  await expect.poll(whole).toContain(300)
  const box = page.locator('.context-lines')
  const to = (end: 'top' | 'bottom', wanted: number) =>
    expect
      .poll(async () => {
        await box.evaluate((box, end) => box.scrollTo({ top: end === 'top' ? 0 : box.scrollHeight }), end)
        return whole()
      })
      .toContain(wanted)
  await to('top', 1)
  await page.getByText('Beginning of the file').waitFor()
  await to('bottom', 600)
  await page.getByText('End of the file').waitFor()
})

test('lines are followed as they are written, also over a kill of the server, each once and in order', async () => {
  const path = join(folder.path, 'logs/order-service/order-service-live/logs/live.log')
  const write = (...texts: string[]) => {
    mkdirSync(dirname(path), { recursive: true })
    for (const text of texts) appendFileSync(path, `${new Date().toISOString()} INFO ${text}\n`)
  }
  write('line 0')
  const query = { cluster: 'default', app: 'order-service', instance: 'order-service-live', lang: 'en', from: 'now-1h' }
  await waitFor(async () => (await count(shiplog.url, { instance: query.instance })) === 1)
  await page.goto(`${shiplog.url}/search?${new URLSearchParams({ ...query, follow: '1' })}`)
  const shown = async () =>
    (await page.locator('.line .line-text').allTextContents()).map((text) => text.replace(/^.*INFO /, ''))
  await expect.poll(() => page.locator('.live').textContent()).toMatch(/^Live/)
  write('line 1', 'line 2')
  await expect.poll(shown).toEqual(['line 2', 'line 1', 'line 0'])
  await page.screenshot({ path: join(artifacts, 'live-en.png') })

  await shiplog.kill()
  await expect.poll(() => page.locator('.live').textContent()).toMatch(/^Connection lost/)
  write('line 3 while it was down')
  shiplog = await startShiplog([...startArguments, '--listen', new URL(shiplog.url).host])
  await expect.poll(() => page.locator('.live').textContent(), { timeout: 15_000 }).toMatch(/^Live/)
  write('line 4')
  await expect.poll(shown).toEqual(['line 4', 'line 3 while it was down', 'line 2', 'line 1', 'line 0'])
})
