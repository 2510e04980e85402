/** The fields of real lines beside them: counted, searched for, left out, shown as columns. */
import { expect, test } from 'vitest'
import { address, fits, lines, look, open, page, pageOnSamples, range, shiplog, visit } from './page-on-samples.ts'

pageOnSamples('fields-page', ['gateway', 'scheduler', '2048'])

interface Answer {
  readonly fields: readonly { name: string; share: number; values: readonly { value: string; count: number }[] }[]
}

async function fieldsOf(query: Record<string, string>): Promise<Answer['fields']> {
  const params = new URLSearchParams({ cluster: 'default', values: '10', limit: '500', ...query })
  return ((await (await fetch(`${shiplog.url}/api/v1/fields?${params}`)).json()) as Answer).fields
}

const panel = () => page.getByRole('complementary', { name: 'Fields' })
const fields = () => panel().locator('.fields-field')
const total = async () => Number(((await page.locator('.summary-total b').textContent()) ?? '').replaceAll(',', ''))
const selection = { ...range, app: 'gateway' }

test('each field says in how many lines it is, and its values how often', async () => {
  const expected = await fieldsOf(selection)
  await visit(selection)
  await lines().first().waitFor()
  await page.keyboard.press('F')
  await fields().first().waitFor()
  expect(address().get('fields')).toBe('1')
  expect(await fields().count()).toBe(expected.length)
  expect(await fields().locator('.fields-name .mono').allTextContents()).toEqual(expected.map(({ name }) => name))
  await fields().first().locator('.fields-name').click()
  const values = fields().first().locator('.fields-values li')
  expect(await values.locator('.fields-count').allTextContents()).toEqual(
    expected[0]?.values.map(({ count }) => count.toLocaleString('en-US')),
  )
  await look('fields-en')
  await page.reload()
  await fields().first().waitFor()
  await panel().getByRole('button', { name: 'Close' }).click()
  await panel().waitFor({ state: 'detached' })
  expect(address().get('fields')).toBeNull()
})

test('a value is searched for exactly as often as it was counted, and left out', async () => {
  const route = (await fieldsOf(selection)).find(({ name }) => name === 'route')
  const [value] = route?.values ?? []
  if (value === undefined) throw new Error('the samples have no field route')
  await visit({ ...selection, fields: '1' })
  await lines().first().waitFor()
  await expect.poll(total).toBeGreaterThan(0)
  const all = await total()
  await panel()
    .getByPlaceholder(/^Filter \d+ fields/)
    .fill('route')
  await panel()
    .getByRole('button', { name: /^route/ })
    .click()
  await panel()
    .getByRole('button', { name: `Search for route = ${value.value}`, exact: true })
    .click()
  await expect.poll(total).toBe(value.count)
  expect(address().get('q')).toContain('.route:')
  await page.goBack()
  await expect.poll(total).toBe(all)
  await panel()
    .getByRole('button', { name: `Leave out route = ${value.value}`, exact: true })
    .click()
  await expect.poll(total).toBe(all - value.count)
})

test('a field becomes a column and stops being one', async () => {
  await open({ locale: 'zh-CN' })
  await visit({ ...selection, fields: '1', q: 'route=*' })
  await page.getByRole('button', { name: '将 .route 显示为列' }).click()
  await page.locator('.line-cell[data-column=".route"]').first().waitFor()
  await look('fields-column-zh-CN')
  await page
    .locator('.fields')
    .getByRole('button', { name: /\.route/ })
    .click()
  await page.locator('.line-cell[data-column=".route"]').first().waitFor({ state: 'detached' })
  expect(address().get('cols')).toBeNull()
})

test('lines without fields say so; an error can be tried again', async () => {
  await visit({ ...range, app: '2048', file: 'error.log', q: 'client', fields: '1' })
  await expect.poll(() => panel().textContent()).toContain('These lines have no fields')
  await page.route('**/api/v1/fields?*', (route) => route.fulfill({ status: 503, json: { status: 503 } }))
  await visit({ ...selection, fields: '1' })
  await panel().getByRole('alert').waitFor()
  await look('fields-failed-en')
  await page.unroute('**/api/v1/fields?*')
  await panel().getByRole('button', { name: 'Try again' }).click()
  await fields().first().waitFor()
})

test('a small screen has room for them', async () => {
  await open({ viewport: { width: 390, height: 800 }, hasTouch: true })
  await visit({ ...selection, fields: '1' })
  await fields().first().waitFor()
  expect(await fits()).toBe(true)
  await look('fields-small')
})
