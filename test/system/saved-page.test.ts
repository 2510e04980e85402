/** Searches that are kept under a name, and short links to them and to lines: made on the page, followed, changed, ended. */
import { expect, test } from 'vitest'
import { savedSearchesMax } from '../../query-api/saved-searches.ts'
import {
  address,
  copied,
  fits,
  lines,
  look,
  open,
  page,
  pageOnSamples,
  range,
  shiplog,
  visit,
} from './page-on-samples.ts'

pageOnSamples('saved-page', ['order-service', '2048'])

interface Saved {
  readonly id: string
  readonly version: number
  readonly name: string
  readonly q?: string
}

const headers = { 'content-type': 'application/json', 'x-shiplog-request': '1' }
const api = (path = '') => `${shiplog.url}/api/v1/searches${path}`

async function savedOnes(): Promise<readonly Saved[]> {
  return ((await (await fetch(api())).json()) as { searches: readonly Saved[] }).searches
}

async function put({ id, version }: Saved, body: object): Promise<number> {
  const answer = await fetch(api(`/${id}?version=${version}`), { method: 'PUT', headers, body: JSON.stringify(body) })
  return answer.status
}

async function post(body: object): Promise<void> {
  const answer = await fetch(api(), { method: 'POST', headers, body: JSON.stringify({ cluster: 'default', ...body }) })
  expect(answer.status).toBe(200)
}

async function removeAll(): Promise<void> {
  for (const { id, version } of await savedOnes()) {
    const answer = await fetch(api(`/${id}?version=${version}`), {
      method: 'DELETE',
      headers: { 'x-shiplog-request': '1' },
    })
    expect(answer.status).toBe(204)
  }
}

const dialog = () => page.getByRole('dialog', { name: 'Saved searches' })
const rows = () => dialog().getByRole('list').getByRole('listitem')
const search = { ...range, app: 'order-service', q: '库存不足', level: 'warn', tz: 'Asia/Shanghai' }

test('a search is saved under a name, and its short link leads exactly to it', async () => {
  await visit(search)
  await lines().first().waitFor()
  await page.keyboard.press('s')
  await dialog().getByText('No search has been saved yet.').waitFor()
  expect(await dialog().getByLabel('Save this search as').inputValue()).toBe('order-service · 库存不足')
  await dialog().getByLabel('Save this search as').fill('sold out')
  await page.keyboard.press('Enter')
  await dialog().getByText('Saved.').waitFor()
  await look('saved-en')
  await dialog().getByRole('status').getByRole('button', { name: 'Copy a short link to it' }).click()
  const [saved] = await savedOnes()
  await expect.poll(copied).toBe(`${shiplog.url}/s/${saved?.id}`)
  expect(saved).toMatchObject({ name: 'sold out', q: search.q, app: ['order-service'], level: ['warn'], tz: search.tz })
  await page.goto(await copied())
  await lines().first().waitFor()
  const { from: _from, to: _to, ...rest } = search
  expect(Object.fromEntries(address())).toMatchObject({ ...rest, cluster: 'default' })
  expect(address().get('from')).toMatch(/^2026-11-22T21:13:00/)
})

test('it is opened from the list and from the palette, and replaced under the same name', async () => {
  await removeAll()
  await post({ name: 'no stock', ...search, app: ['order-service'], level: ['warn'] })
  await visit({}, '')
  await page.getByRole('link', { name: /2048/ }).waitFor()
  await page.getByRole('button', { name: 'Saved searches' }).click()
  await rows()
    .getByRole('button', { name: /^no stock/ })
    .click()
  await lines().first().waitFor()
  expect([address().get('q'), address().get('level')]).toEqual(['库存不足', 'warn'])
  await visit({}, '')
  await page.getByRole('link', { name: /2048/ }).waitFor()
  await page.keyboard.press('Control+k')
  await page.getByRole('option').first().waitFor()
  await page.keyboard.type('no st')
  await page.getByRole('option', { name: /^no stock/ }).waitFor()
  await look('saved-palette-en')
  await page.keyboard.press('Enter')
  await lines().first().waitFor()
  expect(address().get('q')).toBe('库存不足')
  await page.getByRole('button', { name: /^warn: / }).click()
  await expect.poll(() => address().get('level')).toBeNull()
  await page.keyboard.press('s')
  await dialog().getByLabel('Save this search as').fill('no stock')
  await dialog().getByRole('button', { name: 'Replace' }).click()
  await dialog().getByText('Saved.').waitFor()
  const all = await savedOnes()
  expect(all.map(({ name, version }) => [name, version])).toEqual([['no stock', 2]])
  expect(all[0]).not.toHaveProperty('level')
})

test('a change that somebody else has overtaken is said, and goes through when it is done again', async () => {
  await removeAll()
  await post({ name: 'before', q: 'timeout' })
  const [saved] = await savedOnes()
  if (saved === undefined) throw new Error('it was not saved')
  await visit({ ...range, app: '2048' })
  await lines().first().waitFor()
  await page.keyboard.press('s')
  await rows().getByRole('button', { name: 'Rename or change before' }).click()
  await dialog().getByLabel('Name', { exact: true }).fill('after')
  expect(await put(saved, { name: 'theirs', cluster: 'default', q: 'reset' })).toBe(200)
  await page.keyboard.press('Enter')
  await expect.poll(() => rows().getByRole('alert').textContent()).toContain('Somebody else has changed it')
  await rows().getByText('theirs').waitFor()
  await look('saved-conflict-en')
  await page.keyboard.press('Enter')
  await rows().getByText('after').waitFor()
  expect(await savedOnes()).toMatchObject([{ name: 'after', q: 'reset', version: 3 }])

  await rows().getByRole('button', { name: 'Remove after' }).click()
  await dialog().getByRole('button', { name: 'Keep' }).click()
  await rows().getByRole('button', { name: 'Remove after' }).click()
  await dialog().getByText('Links to it then lead nowhere.').waitFor()
  await page.keyboard.press('Enter')
  await dialog().getByText('No search has been saved yet.').waitFor()
  expect(await savedOnes()).toEqual([])
})

test('many with long names are filtered, in Chinese and on a small screen; more than there can be are refused', async () => {
  await removeAll()
  const long = '订单服务库存不足以及支付网关超时的所有警告'.repeat(4)
  for (let n = 0; n < 9; n++) await post({ name: `${n} ${long}`, app: ['order-service'], q: `"${long}" OR timeout` })
  await open({ locale: 'zh-CN', viewport: { width: 390, height: 800 }, hasTouch: true })
  await visit({ ...range, app: '2048' })
  await lines().first().waitFor()
  await page.getByRole('button', { name: '已保存的查询' }).click()
  const list = page.getByRole('list', { name: '已保存的查询' }).getByRole('listitem')
  await expect.poll(() => list.count()).toBe(9)
  expect(await fits()).toBe(true)
  await look('saved-small-zh-CN')
  await page.getByLabel('按名称、应用、关键字筛选').fill('7 订单')
  await expect.poll(() => list.count()).toBe(1)
  const full = { status: 409, title: 'Conflict', detail: `everybody has ${savedSearchesMax} saved searches` }
  await page.route('**/api/v1/searches', (route) =>
    route.request().method() === 'POST' ? route.fulfill({ status: 409, json: full }) : route.fallback(),
  )
  await page.getByRole('button', { name: '保存', exact: true }).click()
  await page.getByText('已保存的查询数量达到上限').waitFor()
})

test('a link to a line is short and opens it among its neighbours', async () => {
  await visit(search)
  await lines().nth(1).hover()
  await page.getByRole('button', { name: 'Copy a link to this line' }).click()
  await expect.poll(copied).toMatch(/\/l\/\d{16}-\w+-\d+$/)
  const link = await copied()
  await page.goto(link)
  await page.locator('.context-line[aria-current="true"]').waitFor()
  expect(link.endsWith(`-${address().get('line')}`)).toBe(true)
})

test('links that lead nowhere say so on the page, which is there all the same', async () => {
  await page.goto(`${shiplog.url}/s/nosuchsearch`)
  const said = page.getByRole('alert')
  await expect.poll(() => said.textContent()).toContain('The saved search was removed')
  await page.getByRole('link', { name: /2048/ }).waitFor()
  await look('lost-link-en')
  await said.getByRole('button', { name: 'Close' }).click()
  await said.waitFor({ state: 'detached' })
  await open({ locale: 'zh-CN' })
  await page.goto(`${shiplog.url}/l/1463402830000000-01jd0000000000000000000000-18233`)
  await expect.poll(() => page.getByRole('alert').textContent()).toContain('该日志已超出保留期限')
  await look('lost-link-zh-CN')
  // A program still gets the status.
  expect((await fetch(`${shiplog.url}/l/nonsense`, { redirect: 'manual' })).status).toBe(404)
})
