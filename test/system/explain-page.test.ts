/** Why a search over real logs finds nothing, in words, and that what is offered finds something. */
import { expect, test } from 'vitest'
import { findingCodes } from '../../query-api/explain-findings.ts'
import { findingCodes as codesOfPage } from '../../ui/state/explain-model.ts'
import { address, fits, lines, look, open, page, pageOnSamples, range, visit } from './page-on-samples.ts'

pageOnSamples('explain-page', ['order-service', '2048'])

const why = () => page.getByRole('list', { name: 'Why is it empty?' })
const reasons = () => why().getByRole('listitem')

test('the page has words for every code', () => {
  expect([...codesOfPage, 'FOUND'].toSorted()).toEqual(findingCodes.toSorted())
})

test('a word that is nowhere is left out with a click', async () => {
  await visit({ ...range, app: '2048', q: 'upstreams nosuchword' })
  await expect.poll(() => reasons().first().textContent()).toContain('No line here matches nosuchword, at any time.')
  await look('explain-word-en')
  await page.getByRole('button', { name: 'Search for upstreams' }).click()
  await lines().first().waitFor()
  expect(address().get('q')).toBe('upstreams')
})

test('a word that is only the beginning of longer ones gets its star', async () => {
  await visit({ ...range, app: '2048', q: 'upstre' })
  await page.getByRole('button', { name: 'Search for upstre*' }).click()
  await lines().first().waitFor()
})

test('a range without lines is widened to the last one', async () => {
  await open({ locale: 'zh-CN' })
  await visit({ app: '2048', from: '2026-11-23T00:00:00Z', to: '2026-11-24T00:00:00Z' })
  const list = page.getByRole('list', { name: '为什么没有结果？' })
  await expect.poll(() => list.textContent()).toContain('此时间范围之前有匹配的日志，最近一条在 2026-11-23 05:20:26')
  await look('explain-range-zh-CN')
  await page.getByRole('button', { name: /^从 .* 开始查询$/ }).click()
  await lines().first().waitFor()
  expect(address().get('from')).toMatch(/^2026-11-22T21:20:26/)
})

test('a level that is not there, an app by its nearest name, a filter that is too much', async () => {
  await visit({ ...range, app: '2048', level: 'fatal' })
  await page.getByRole('button', { name: 'Show all levels' }).click()
  await lines().first().waitFor()
  await visit({ ...range, app: 'order-servise' })
  await expect.poll(() => reasons().first().textContent()).toContain('No line has the App order-servise.')
  await page.getByRole('button', { name: 'Choose order-service' }).click()
  await lines().first().waitFor()
  await visit({ ...range, app: '2048', dir: '/nowhere' })
  await page.getByRole('button', { name: 'Remove the filter Log directory' }).click()
  await lines().first().waitFor()
})

test('without a reason there are still things to try; what is found meanwhile is found', async () => {
  await page.route('**/api/v1/explain?*', (route) => route.fulfill({ status: 503, json: { status: 503 } }))
  await visit({ ...range, app: '2048', q: 'nosuchword' })
  await page.getByRole('button', { name: 'Search without the keyword' }).waitFor()
  await page.unroute('**/api/v1/explain?*')
  const found = { empty: false, findings: [{ code: 'FOUND', text: '', values: {}, change: null }] }
  await page.route('**/api/v1/explain?*', (route) => route.fulfill({ json: found }))
  await page.reload()
  await page.getByText('The search finds lines now.').waitFor()
})

test('what troubles the files is told with the way to them, on a small screen too', async () => {
  const findings = [
    { code: 'NO_FILES', values: {} },
    { code: 'FILES_BEHIND', values: { files: 2, bytes: 1_800_000 } },
    { code: 'FILES_UNREADABLE', values: { files: 1, path: '/var/log/apps/2048/x/nginx/error.log', reason: 'EACCES' } },
    { code: 'BYTES_LOST', values: { files: 1, bytes: 18_200 } },
    { code: 'NEW_IN_A_LATER_SERVER', values: {}, text: 'Something else.' },
  ].map((finding) => ({ text: '', change: null, ...finding }))
  await open({ viewport: { width: 390, height: 800 }, hasTouch: true })
  await page.route('**/api/v1/explain?*', (route) => route.fulfill({ json: { empty: true, findings } }))
  await visit({ ...range, app: '2048', q: 'nosuchword' })
  await expect.poll(() => reasons().nth(1).textContent()).toContain('1.8 MB (files: 2)')
  expect(await reasons().nth(4).textContent()).toContain('Something else.')
  expect(await fits()).toBe(true)
  await page.getByRole('button', { name: 'Search without the keyword' }).scrollIntoViewIfNeeded()
  await look('explain-files-small')
  await reasons().nth(2).getByRole('link', { name: 'See the files' }).click()
  await page.getByRole('table').waitFor()
})
