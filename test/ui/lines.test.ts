/** What can be done with the lines, in a real browser. */
import { describe, expect, it } from 'vitest'
import type { MockRecord } from './mock-records.ts'
import { address, api, later, lines, order, page, pageInBrowser, shoot, topLine, visit } from './page-in-browser.ts'

pageInBrowser()

const gateway = { cluster: 'prod-sh', app: 'gateway' }
const bar = () => page.getByRole('toolbar', { name: 'Selected text' })

describe('a line', () => {
  it('has the colours that its terminal would show, and none of their codes', async () => {
    await visit({ cluster: 'prod-sh', app: '2048', q: 'cold' })
    await lines().first().waitFor()
    const coloured = page.locator('.line .ansi-yellow').first()
    expect(await coloured.textContent()).toBe('WARN')
    expect(await page.locator('.lines').textContent()).not.toContain('[33m')
    expect(await page.locator('.line mark').first().textContent()).toBe('cold')
  })

  it('stands in the columns that were chosen, and the address says which', async () => {
    await visit(gateway)
    await page.getByRole('button', { name: 'Columns' }).click()
    await page.getByLabel('Level', { exact: true }).check()
    await page.getByPlaceholder('Any field …').fill('reqid')
    await page.getByLabel('.reqId').check()
    await page.keyboard.press('Escape')
    expect(address().get('cols')).toBe('time,host,level,.reqId')
    await expect.poll(() => page.locator('.lines-heads').textContent()).toMatch(/Time.*Host.*Level.*\.reqId.*Message/)
    await expect.poll(() => page.locator('[data-column=".reqId"]').first().textContent()).toMatch(/^req-4/)
    await shoot('columns')
    await page.locator('.line-head').nth(1).hover()
    await page.getByRole('button', { name: 'Remove the column host' }).click()
    expect(address().get('cols')).toBe('time,level,.reqId')
  })

  it('unfolds as a tree when it is JSON, whose values narrow the search', async () => {
    await visit({ ...gateway, q: 'statusCode "request completed"' })
    await page.getByRole('button', { name: '{ }' }).first().click()
    const tree = page.locator('.json').first()
    await expect.poll(() => tree.textContent()).toMatch(/res: \{1\}.*statusCode: 200/)
    // The same words are marked as in the line.
    expect(await tree.locator('mark').allTextContents()).toEqual(['statusCode', 'request completed'])
    await shoot('json')
    await tree.locator('.json-entry .json-entry').first().hover()
    await tree.getByRole('button', { name: 'Leave out res.statusCode = 200' }).click()
    expect(address().get('q')).toBe('statusCode "request completed" -.res.statusCode:200')
  })

  it('opens a deep part of its tree where something was found in it', async () => {
    const { records } = api
    const deep = '{"a":{"b":{"c":{"d":{"needle":"连接失败"}}},"x":{"y":{"z":{"other":1}}}}}'
    api.records = [...records, ...later(1).map((record) => ({ ...record, message: deep }))]
    await visit({ ...order, q: '连接失败 needle' })
    await page.getByRole('button', { name: '{ }' }).first().click()
    expect(await page.locator('.json mark').allTextContents()).toEqual(['needle', '连接失败'])
    expect(await page.locator('.json mark').last().isVisible()).toBe(true)
    expect(await page.getByText('other').isVisible()).toBe(false)
    await shoot('json-hits-en')
    api.records = records
  })

  it('of 200 KB is one row, and unfolds piece by piece', async () => {
    // Few of them: all of a day are 10 MB, which says nothing more.
    const few = { cluster: 'prod-sh', app: 'legacy', from: 'now-6h' }
    await visit({ ...few, q: 'dump' })
    const fold = page.getByRole('button', { name: /^▸ 199,\d{3} more characters/ }).first()
    await fold.waitFor()
    expect((await lines().first().boundingBox())?.height).toBe(22)
    await fold.click()
    await page.getByRole('button', { name: /^▸ 16\d,\d{3} more characters/ }).click()
    await page.getByRole('button', { name: /^▸ 12\d,\d{3} more characters/ }).waitFor()
    await page.getByRole('button', { name: /Fold$/ }).click()
    await fold.waitFor()
    // Hits far behind the beginning are counted as well.
    await visit({ ...few, q: 'dump row' })
    await page
      .getByRole('button', { name: /^▸ 199,\d{3} more characters · 3\d{3} hits$/ })
      .first()
      .waitFor()
  })

  it('is copied as it is, as host : message, and as a short link', async () => {
    await page.context().grantPermissions(['clipboard-read', 'clipboard-write'])
    const clipboard = () => page.evaluate<string>('navigator.clipboard.readText()')
    await visit({ ...order, q: 'SocketException' })
    await lines().first().hover()
    await page.getByRole('button', { name: 'Copy the message' }).click()
    await expect.poll(clipboard).toMatch(/^ERROR .*Connection reset\n\tat com\.acme.*连接失败，数据库主库不可达$/s)
    await page.getByRole('button', { name: 'Copy as host : message' }).click()
    await expect.poll(clipboard).toMatch(/^10\.3\.11\.\d+ : ERROR /)
    await page.keyboard.press('y')
    await page.getByText('The message is copied.').waitFor()
    await expect.poll(clipboard).toMatch(/^ERROR /)
    await page.getByRole('button', { name: 'Copy a link to this line' }).click()
    await expect.poll(clipboard).toMatch(/^http:\/\/[^/]+\/l\/\d{16}-\w+-\d+$/)
  })
})

describe('selected text', () => {
  it('is searched for or left out: a double click selects a word', async () => {
    await visit({ ...order, q: '付款' })
    // The text is one node of which a part is marked; the word behind the mark is looked for by its place.
    await lines()
      .first()
      .locator('.line-text')
      .dblclick({ position: { x: 20, y: 10 } })
    await bar()
      .getByRole('button', { name: /Search for it/ })
      .click()
    expect(address().get('q')).toBe('付款 INFO')
    expect(address().get('line')).toBeNull()
    await lines()
      .first()
      .locator('.line-text')
      .dblclick({ position: { x: 20, y: 10 } })
    await bar()
      .getByRole('button', { name: /Leave it out/ })
      .click()
    await expect.poll(() => address().get('q')).toBe('付款 INFO -INFO')
  })

  it('of a column is searched for as a whole, in its field', async () => {
    await visit({ ...gateway, cols: 'time,.reqId,host' })
    const cell = (name: string) => page.locator(`[data-column="${name}"]:not(:empty)`).first()
    await cell('.reqId').dblclick({ position: { x: 10, y: 8 } })
    await bar()
      .getByRole('button', { name: /Search for it/ })
      .click()
    expect(address().get('q')).toMatch(/^\.reqId:req-4\w$/)
    await cell('host').dblclick({ position: { x: 10, y: 8 } })
    await bar()
      .getByRole('button', { name: /Leave it out/ })
      .click()
    expect(address().get('q')).toMatch(/^\.reqId:req-4\w -host:10\.3\.11\.\d+$/)
  })

  it('does not open the context, a click does', async () => {
    await visit(order)
    await lines()
      .nth(4)
      .locator('.line-text')
      .dblclick({ position: { x: 20, y: 10 } })
    await bar().waitFor()
    await page.keyboard.press('Escape')
    expect(address().get('line')).toBeNull()
    await lines().nth(5).locator('.line-time').click()
    await page.locator('.context-line').first().waitFor()
  })
})

describe('the keys', () => {
  const current = () => page.locator('.line[aria-current="true"]')

  it('go through hits, errors and to the ends', async () => {
    await visit({ ...order, q: 'Connection OR level:debug' })
    await lines().first().waitFor()
    await page.keyboard.press('e')
    await expect.poll(() => current().getAttribute('data-level')).toMatch(/error|fatal/)
    const first = await page.locator('.lines-slot:has([aria-current="true"])').getAttribute('data-index')
    await page.keyboard.press('e')
    await page.keyboard.press('E')
    await expect
      .poll(() => page.locator('.lines-slot:has([aria-current="true"])').getAttribute('data-index'))
      .toBe(first)
    await page.keyboard.press('n')
    await expect.poll(() => current().locator('mark').count()).toBeGreaterThan(0)
    await page.keyboard.press('g')
    await expect.poll(() => page.locator('.lines-slot:has([aria-current="true"])').getAttribute('data-index')).toBe('0')
    await page.keyboard.press('E')
    await page.getByText('No other error in the lines that are loaded.').waitFor()
    await page.keyboard.press('G')
    await expect
      .poll(async () => Number(await page.locator('.lines-slot:has([aria-current="true"])').getAttribute('data-index')))
      .toBeGreaterThanOrEqual(199)
  })
})

describe('what was lost', () => {
  it('is a rule in its place between the lines, that leads to the files', async () => {
    const ofApp = api.records.filter(({ app }) => app === order.app).reverse()
    api.losses = [ofApp[4] as MockRecord]
    await visit(order)
    const rule = page.locator('.loss')
    await rule.first().waitFor()
    expect(await rule.count()).toBe(1)
    expect(await rule.textContent()).toMatch(
      /^≥ 18\.2 KB of order\.log lost here: truncated before it was read \(\d\d:\d\d:\d\d\)$/,
    )
    // Right above the last line that came before it, and nothing lies over anything.
    expect(await page.locator('.lines-slot:has(.loss)').getAttribute('data-index')).toBe('4')
    const tops = await page
      .locator('.lines-slot')
      .evaluateAll((slots) => slots.map((slot) => slot.getBoundingClientRect()).map(({ top, height }) => [top, height]))
    const sorted = tops.sort(([a = 0], [b = 0]) => a - b)
    sorted.slice(1).forEach(([top = 0], at) => {
      const [before = 0, height = 0] = sorted[at] ?? []
      expect(top).toBe(before + height)
    })
    await shoot('loss-en')
    await page.getByRole('button', { name: 'Wrap' }).click()
    await expect.poll(async () => (await page.locator('.lines-slot:has(.loss)').boundingBox())?.height).toBe(44)
    await rule.getByRole('link').click()
    await page.getByRole('table', { name: 'Files' }).waitFor()
    api.losses = []
  })

  it('in many files at once is one rule', async () => {
    const ofApp = api.records.filter(({ app }) => app === order.app).reverse()
    api.losses = Array.from({ length: 5 }, (_, n) => ({
      ...(ofApp[3] as MockRecord),
      generation: `${ofApp[3]?.generation.slice(0, -1)}${n}`,
    }))
    await visit(order)
    await expect.poll(() => page.locator('.loss').allTextContents()).toEqual(['91.0 KB of 5 files lost here'])
    api.losses = []
  })
})

describe('new lines', () => {
  it('are told of while something is read, and shown when they are asked for', async () => {
    await page.clock.install()
    await visit(order)
    await lines().first().waitFor()
    await page.locator('.lines').evaluate((box) => box.scrollTo({ top: 100 }))
    await expect.poll(async () => (await topLine()).below).toBeLessThan(22)
    const before = await topLine()
    const { records } = api
    api.records = [...records, ...later(3)]
    await page.clock.fastForward(5_100)
    await page.getByRole('button', { name: '↑ 3 new lines' }).waitFor()
    expect(await topLine()).toEqual(before)
    await shoot('new-lines')
    await page.getByRole('button', { name: '↑ 3 new lines' }).click()
    await expect.poll(() => lines().first().textContent()).toContain('arrived later 2')
    await page.getByRole('button', { name: /new lines/ }).waitFor({ state: 'detached' })
    api.records = records
  })
})
