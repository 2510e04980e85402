/** The real page of a real process that asks who is there: the way in, what is shown then, links, and the way out. */
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { Browser, BrowserContext, Page } from 'playwright-core'
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest'
import { launchBrowser } from '../ui/browser.ts'
import { runCli, type ShiplogProcess, startShiplog, temporaryFolder, waitFor } from './process.ts'

const artifacts = fileURLToPath(new URL('../../test-artifacts/system/', import.meta.url))
const folder = temporaryFolder('login')
const tokensPath = join(folder.path, 'tokens.json')
/** As long as the browser itself is given. */
const slowly = { timeout: 10_000 }
let shiplog: ShiplogProcess
let browser: Browser
let context: BrowserContext
let page: Page
let token: string
let line: { id: string; time: string }

beforeAll(async () => {
  mkdirSync(artifacts, { recursive: true })
  for (const app of ['2048', 'secret-app']) {
    mkdirSync(join(folder.path, 'logs', app, 'host-1', 'logs'), { recursive: true })
    const text = `${new Date().toISOString()} line of ${app}\n`
    writeFileSync(join(folder.path, 'logs', app, 'host-1', 'logs', 'a.log'), text)
  }
  const added = ['token', 'add', '--tokens', tokensPath, '--name', 'alice', '--role', 'reader', '--app', '2048']
  token = (await runCli(added)).stdout.trim()
  const args = ['--root', join(folder.path, 'logs'), '--data', join(folder.path, 'data'), '--tokens', tokensPath]
  ;[shiplog, browser] = await Promise.all([startShiplog(args), launchBrowser()])
  await waitFor(async () => {
    const headers = { authorization: `Bearer ${token}` }
    const answer = await fetch(`${shiplog.url}/api/v1/search?cluster=default`, { headers })
    line = ((await answer.json()) as { records: { id: string; time: string }[] }).records[0] as typeof line
    return line !== undefined
  })
}, 60_000)

afterAll(async () => {
  await browser?.close()
  await shiplog?.kill()
  folder.cleanUp()
})

beforeEach(async () => {
  context = await browser.newContext({ locale: 'zh-CN', timezoneId: 'Asia/Shanghai', reducedMotion: 'reduce' })
  page = await context.newPage()
  page.setDefaultTimeout(10_000)
})

afterEach(() => context.close())

async function signIn(text = token): Promise<void> {
  await page.getByLabel('令牌').fill(text)
  await page.getByRole('button', { name: '登录' }).click()
}

test('nothing is shown before one signs in, then what one may see, and nothing after signing out', async () => {
  await page.goto(`${shiplog.url}/`)
  await page.getByLabel('令牌').waitFor()
  await page.screenshot({ path: join(artifacts, 'login-zh-CN.png') })
  await signIn(`${token.slice(0, -2)}xx`)
  await expect.poll(() => page.getByRole('alert').textContent(), slowly).toContain('令牌无效')
  await signIn()
  await page.getByRole('link', { name: /2048/ }).waitFor()
  expect(await page.content()).not.toContain('secret-app')
  // No script of the page can read it.
  expect(await page.evaluate('document.cookie')).toBe('')
  await page.reload()
  await page.getByRole('link', { name: /2048/ }).click()
  await page.locator('.line').first().waitFor()
  await page.screenshot({ path: join(artifacts, 'signed-in-zh-CN.png') })
  await page.getByRole('button', { name: /退出/ }).click()
  await page.getByLabel('令牌').waitFor()
  expect(await page.content()).not.toContain('line of')
  await page.getByRole('button', { name: 'English' }).click()
  await page.getByRole('button', { name: 'Sign in' }).waitFor()
})

test('a session that ends while the page is open leads to the login, and back to where one was', async () => {
  await page.goto(`${shiplog.url}/?app=2048&cluster=default`)
  await signIn()
  await page.locator('.line').first().waitFor()
  await context.clearCookies()
  await page.keyboard.press('/')
  await page.keyboard.type('line')
  await page.keyboard.press('Enter')
  await page.getByLabel('令牌').waitFor()
  await signIn()
  await page.locator('.line mark').first().waitFor()
  expect(new URL(page.url()).searchParams.get('q')).toBe('line')
})

test('a link that another site shows leads to its line, through the login where that is needed', async () => {
  const link = `${shiplog.url}/l/${Date.parse(line.time) * 1000}-${line.id}`
  // The clicks of another site bear no cookie of ours, also when one is signed in.
  const elsewhere = `data:text/html,${encodeURIComponent(`<a href="${link}">the line</a>`)}`
  await page.goto(elsewhere)
  await page.getByRole('link').click()
  await signIn()
  await expect.poll(() => page.getByRole('complementary').textContent(), slowly).toMatch(/a\.log/)
  expect(new URL(page.url()).searchParams.get('line')).toBe(line.id)
  await page.goto(elsewhere)
  await page.getByRole('link').click()
  await expect.poll(() => page.getByRole('complementary').textContent(), slowly).toMatch(/a\.log/)
})

test('a saved search is one’s own until it is shared, and a link to another’s leads nowhere', async () => {
  const operator = (await runCli(['token', 'add', '--tokens', tokensPath, '--name', 'root', '--role', 'operator']))
    .stdout
  const headers = { authorization: `Bearer ${operator.trim()}`, 'content-type': 'application/json' }
  const body = { cluster: 'default', app: ['2048'], q: 'line' }
  const save = async (search: object) => {
    const options = { method: 'POST', headers, body: JSON.stringify({ ...body, ...search }) }
    const answer = await fetch(`${shiplog.url}/api/v1/searches`, options)
    return answer.ok ? ((await answer.json()) as { id: string }).id : undefined
  }
  let theirs: string | undefined
  // A running server follows the file with tokens within a second.
  await waitFor(async () => (theirs = await save({ name: 'kept for oneself' })) !== undefined)
  await save({ name: 'for all', shared: true })
  await page.goto(`${shiplog.url}/?app=2048&cluster=default`)
  await signIn()
  await page.locator('.line').first().waitFor()
  await page.keyboard.press('s')
  const dialog = page.getByRole('dialog', { name: '已保存的查询' })
  const rows = dialog.getByRole('list').getByRole('listitem')
  await expect.poll(() => rows.allTextContents(), slowly).toEqual([expect.stringMatching(/^for allroot/)])
  expect(await rows.getByRole('button', { name: '删除 for all' }).count()).toBe(0)
  await dialog.getByLabel('将当前查询保存为').fill('mine')
  await dialog.getByRole('checkbox', { name: /^共享/ }).check()
  await page.keyboard.press('Enter')
  await expect
    .poll(() => rows.allTextContents(), slowly)
    .toEqual([expect.anything(), expect.stringMatching(/^mine已共享/)])
  await page.screenshot({ path: join(artifacts, 'saved-shared-zh-CN.png') })
  await page.goto(`${shiplog.url}/s/${theirs}`)
  await expect.poll(() => page.getByRole('alert').textContent(), slowly).toContain('此链接已失效')
})
