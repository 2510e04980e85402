/** What a real process has lost and cannot read, on the files page: when, how much, why, and the lines around it. */
import { chmodSync, chownSync, mkdirSync, truncateSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Browser, Page } from 'playwright-core'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { serious } from '../ui/axe.ts'
import { launchBrowser } from '../ui/browser.ts'
import { type ShiplogProcess, startShiplog, temporaryFolder, waitFor } from './process.ts'

const artifacts = join(import.meta.dirname, '../../test-artifacts/system')
const folder = temporaryFolder('files-page')
const logs = join(folder.path, 'logs/shop/shop-0/logs')
const nobody = 65_534
/** Only root can become somebody who may not read everything; somebody else is one already. */
const asSomebody = process.getuid?.() === 0 ? nobody : undefined
let shiplog: ShiplogProcess
let browser: Browser
let page: Page

async function filesOf(query: string): Promise<{ total: number; files: { lost: number; path: string }[] }> {
  const answer = await fetch(`${shiplog.url}/api/v1/files?cluster=default&${query}`)
  return (await answer.json()) as Awaited<ReturnType<typeof filesOf>>
}

beforeAll(async () => {
  mkdirSync(artifacts, { recursive: true })
  mkdirSync(logs, { recursive: true })
  mkdirSync(join(folder.path, 'data'))
  const time = new Date().toISOString()
  writeFileSync(join(logs, 'a.log'), `${time} INFO a line of the log\n`.repeat(60_000))
  writeFileSync(join(logs, 'secret.log'), 'secret\n')
  chmodSync(join(logs, 'secret.log'), 0)
  if (asSomebody !== undefined)
    for (const path of [folder.path, join(folder.path, 'data')]) chownSync(path, nobody, nobody)
  const paths = ['--root', join(folder.path, 'logs'), '--data', join(folder.path, 'data'), '--copy-wait-ms', '100']
  // So little is read at once that the rest waits in the file.
  const slow = ['--read-bytes-max', '4096', '--event-bytes-max', '1024', '--in-flight-bytes-max', '1024']
  ;[shiplog, browser] = await Promise.all([startShiplog([...paths, ...slow], 'up', asSomebody), launchBrowser()])
  await waitFor(async () => (await filesOf('state=behind')).total === 1, 10_000, 'it is behind')
  truncateSync(join(logs, 'a.log'))
  await waitFor(async () => (await filesOf('lost=true')).total === 1, 10_000, 'the loss is shown')
  await waitFor(async () => (await filesOf('state=unreadable')).total === 1, 10_000, 'the other is shown')
}, 60_000)

afterAll(async () => {
  await browser?.close()
  await shiplog?.kill()
  folder.cleanUp()
})

test('what was lost has its time and its cause, what cannot be read its reason, and the lines around a loss are a click away', async () => {
  page = await browser.newPage({ locale: 'zh-CN', timezoneId: 'Asia/Shanghai', reducedMotion: 'reduce' })
  page.setDefaultTimeout(10_000)
  await page.goto(`${shiplog.url}/files?cluster=default`)
  const rows = page.getByRole('row').filter({ has: page.getByRole('cell') })
  const text = async () => (await rows.allTextContents()).join('\n')
  await expect.poll(text).toMatch(/secret\.log.*没有读取权限（EACCES）/)
  await expect.poll(text).toMatch(/a\.log.*丢失 ≥ [\d.]+ MB（\d\d-\d\d \d\d:\d\d:\d\d.*）：读取前被截断/)
  const lost = rows.filter({ hasText: '读取前被截断' })
  await lost.getByRole('button', { expanded: false }).focus()
  await page.keyboard.press('Enter')
  await expect.poll(() => lost.locator('.file-details').textContent()).toMatch(/首次发现丢失\d{4}-\d\d-\d\d.*UTC\+8/)
  // The row below moved down by as much as this one grew.
  const boxes = await rows.evaluateAll((all) => all.map((row) => row.getBoundingClientRect()))
  const sorted = boxes.toSorted((a, b) => a.top - b.top)
  for (const [at, box] of sorted.entries()) expect(box.top).toBeGreaterThanOrEqual((sorted[at - 1]?.bottom ?? 0) - 1)
  for (const colorScheme of ['light', 'dark'] as const) {
    await page.emulateMedia({ colorScheme })
    await page.screenshot({ path: join(artifacts, `files-lost-zh-CN-${colorScheme}.png`) })
    expect(await serious(page), colorScheme).toEqual([])
  }
  await lost.getByRole('link', { name: '查看丢失前后的日志' }).click()
  await page.locator('.line').first().waitFor()
  await page.close()
})
