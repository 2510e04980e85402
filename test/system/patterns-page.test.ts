/** The patterns of real lines on the page: counted, compared, opened, left out. */
import { expect, test } from 'vitest'
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
  secondHalf,
  shiplog,
  visit,
} from './page-on-samples.ts'

pageOnSamples('patterns-page', ['order-service', 'gateway', '2048'])

interface Answer {
  readonly patterns: readonly { pattern: string; level: string; count: number; query: string | null; new?: boolean }[]
  readonly previous?: { readonly gone: readonly unknown[] }
}

async function patternsOf(query: Record<string, string>): Promise<Answer> {
  const params = new URLSearchParams({ cluster: 'default', ...query })
  return (await (await fetch(`${shiplog.url}/api/v1/patterns?${params}`)).json()) as Answer
}

async function countOf(query: Record<string, string>): Promise<number> {
  const params = new URLSearchParams({ cluster: 'default', buckets: '1', ...query })
  return ((await (await fetch(`${shiplog.url}/api/v1/histogram?${params}`)).json()) as { total: number }).total
}

const rows = () => page.locator('.patterns-list > ol > .pattern')
const total = async () => Number(((await page.locator('.summary-total b').textContent()) ?? '').replaceAll(',', ''))

test('the shapes of the lines are counted, what varies in them are placeholders, and all is in the address', async () => {
  await visit({ ...range, app: '2048' })
  await lines().first().waitFor()
  await page.keyboard.press('P')
  await rows().first().waitFor()
  expect(address().get('tab')).toBe('patterns')
  const { patterns } = await patternsOf({ ...range, app: '2048' })
  expect(await rows().count()).toBe(Math.min(50, patterns.length))
  const [first] = patterns
  expect(await rows().first().textContent()).toContain(first?.count.toLocaleString('en-US'))
  expect(await rows().first().locator('[data-mask="num"]').count()).toBe(
    (first?.pattern.split('<num>').length as number) - 1,
  )
  await expect.poll(() => page.getByText('every line looked at').isVisible()).toBe(true)
  await look('patterns-alone-en')
  await page.reload()
  await rows().first().waitFor()
  await page.goBack()
  await lines().first().waitFor()
})

test('a click shows exactly the lines of a pattern, and leaving it out all others', async () => {
  const selection = { ...range, app: 'order-service' }
  const { patterns } = await patternsOf(selection)
  const at = patterns.findIndex(({ level, query }) => level === 'error' && query !== null)
  const pattern = patterns[at]
  if (pattern?.query == null) throw new Error('the samples have no pattern of errors')
  await visit({ ...selection, tab: 'patterns' })
  await rows().nth(at).locator('.pattern-main').click()
  await lines().first().waitFor()
  expect(address().get('tab')).toBeNull()
  expect(address().get('q')).toBe(pattern.query)
  expect(address().getAll('level')).toEqual(['error'])
  const found = await countOf({ ...selection, q: pattern.query, level: 'error' })
  expect(found).toBeGreaterThanOrEqual(pattern.count)
  await expect.poll(total).toBe(found)

  await page.goBack()
  await rows().nth(at).getByRole('button', { name: 'Leave its lines out' }).click()
  await expect.poll(total).toBe((await countOf(selection)) - found)
})

test('what is new since the range before is marked, and what is gone is listed with its own lines', async () => {
  const selection = { ...secondHalf, app: 'gateway' }
  const compared = await patternsOf({ ...selection, compare: 'previous', sort: 'change' })
  const fresh = compared.patterns.filter((pattern) => pattern.new === true)
  const gone = compared.previous?.gone.length ?? 0
  expect([fresh.length > 0, gone > 0]).toEqual([true, true])
  await visit({ ...selection, tab: 'patterns', sort: 'change' })
  await rows().first().waitFor()
  await expect.poll(() => page.locator('.pattern-new').count()).toBe(fresh.length)
  await look('patterns-en')
  await page.getByText('of the range before').last().click()
  const goneRows = page.locator('.patterns-gone .pattern')
  expect(await goneRows.count()).toBe(gone)
  await goneRows.first().scrollIntoViewIfNeeded()
  await look('patterns-compared-en')
  await goneRows.first().getByRole('button').click()
  await lines().first().waitFor()
  expect(address().get('to')).toMatch(/^2026-11-22T21:17:00/)

  await page.goBack()
  await page.getByRole('button', { name: 'Compare with the range before' }).click()
  await expect.poll(() => page.locator('.pattern-new').count()).toBe(0)
  expect([address().get('compare'), address().get('sort')]).toEqual(['0', null])
})

test('the keyboard moves, unfolds and opens; the example has its lines around it', async () => {
  await open({ locale: 'zh-CN' })
  await visit({ ...range, app: 'order-service', tab: 'patterns' })
  await rows().first().waitFor()
  await page.keyboard.press('j')
  await page.keyboard.press('j')
  await page.keyboard.press('o')
  const details = rows().nth(1).locator('.pattern-details')
  await details.getByText('首次').waitFor()
  await look('patterns-zh-CN')
  await details.getByRole('button', { name: '复制示例' }).click()
  await expect.poll(copied).toBe(await details.locator('pre').textContent())
  await details.getByRole('button', { name: '查看上下文' }).click()
  const context = page.getByRole('complementary', { name: '上下文' })
  await context.locator('.context-line[aria-current="true"]').waitFor()
  await look('patterns-context-zh-CN')
  await page.keyboard.press('k')
  await page.keyboard.press('Enter')
  await lines().first().waitFor()
})

test('a small screen has room for them', async () => {
  await open({ viewport: { width: 390, height: 800 }, hasTouch: true })
  await visit({ ...range, app: 'order-service', tab: 'patterns' })
  await rows().first().waitFor()
  expect(await fits()).toBe(true)
  await look('patterns-small')
})

test('a sample is said to be one; an error can be tried again, also without the comparison', async () => {
  const answer = {
    ...(await patternsOf({ ...range, app: '2048' })),
    sample: { lines: 50_000, of: 1_750_000, exact: false },
    other: 12,
  }
  await page.route('**/api/v1/patterns?*', (route) => route.fulfill({ json: answer }))
  await visit({ ...range, app: '2048', tab: 'patterns' })
  await page.getByText('estimated from 50,000 of 1,750,000 lines').waitFor()
  await page.getByText('12 lines have further shapes').waitFor()
  await page.unroute('**/api/v1/patterns?*')
  const problem = { status: 422, title: 'The search is too costly', detail: 'the sample took longer than 10000 ms' }
  await page.route('**/api/v1/patterns?*compare=previous*', (route) => route.fulfill({ status: 422, json: problem }))
  await page.reload()
  await page.getByText('The search took too long.').waitFor()
  await look('patterns-failed-en')
  await page.getByRole('button', { name: 'Without the comparison' }).click()
  await rows().first().waitFor()
  expect(address().get('compare')).toBe('0')
})
