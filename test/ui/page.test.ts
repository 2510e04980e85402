/** The query screen in a real browser. */
import { describe, expect, it } from 'vitest'
import { address, api, forgive, lines, order, page, pageInBrowser, shoot, visit } from './page-in-browser.ts'

pageInBrowser()

describe('the query screen', () => {
  it('chooses the only cluster and offers its apps', async () => {
    await visit()
    await page.getByRole('link', { name: /^order-service/ }).waitFor()
    expect(address().get('cluster')).toBe('prod-sh')
    const card = page.getByRole('link', { name: /^legacy/ })
    await expect.poll(() => card.textContent()).toMatch(/no new lines for 1 hour.*errors.*1 instance.*haproxy/)
    await page.getByRole('link', { name: /^order-service/ }).click()
    await lines().first().waitFor()
    expect(address().get('app')).toBe('order-service')
    await page.goBack()
    await page.getByRole('link', { name: /^order-service/ }).waitFor()
  })

  it('offers what there is in its pickers, with counts, and narrows by it', async () => {
    await visit({ cluster: 'prod-sh' }, 'search')
    await page.getByRole('button', { name: /^App / }).click()
    await page.getByPlaceholder('Filter…').waitFor()
    await page.keyboard.type('gate')
    await expect.poll(() => page.getByRole('option').count()).toBe(1)
    await page.getByRole('option', { name: /gateway/ }).click()
    await lines().first().waitFor()
    await page.getByRole('button', { name: /^Instance ALL · 2/ }).click()
    await page.getByRole('option', { name: /gateway-edge-0/ }).click()
    await expect.poll(() => address().get('instance')).toBe('gateway-edge-0')
  })

  it('finds a Chinese keyword inside a sentence and marks it', async () => {
    await visit(order)
    await lines().first().waitFor()
    await page.keyboard.press('/')
    await page.keyboard.type('连接失败 -level:debug')
    expect(await page.locator('.keyword-colours .query-field').textContent()).toBe('level')
    await page.keyboard.press('Enter')
    await page.locator('.line mark').first().waitFor()
    expect(await page.locator('.line mark').first().textContent()).toBe('连接失败')
    expect(address().get('q')).toBe('连接失败 -level:debug')
    await expect.poll(() => page.getByRole('status').textContent()).toMatch(/^[\d,]+ hits4 ms$/)
  })

  it('shows the histogram and narrows the range to a bar', async () => {
    await visit(order)
    await expect.poll(() => page.locator('.histogram-bar').count()).toBe(90)
    await page.locator('.histogram-bars').click({ position: { x: 700, y: 40 } })
    await expect.poll(() => address().get('to')).toMatch(/^\d{4}-.*Z$/)
    const width = Date.parse(address().get('to') ?? '') - Date.parse(address().get('from') ?? '')
    expect(width).toBe(86_400_000 / 90)
    await page.goBack()
    await expect.poll(() => address().get('to')).toBeNull()
    const bars = (await page.locator('.histogram-bars').boundingBox()) ?? { x: 0, y: 0, width: 0, height: 0 }
    await page.mouse.move(bars.x + 200, bars.y + 30)
    await page.mouse.down()
    await page.mouse.move(bars.x + 700, bars.y + 30, { steps: 4 })
    await page.mouse.up()
    await expect.poll(() => address().get('to')).not.toBeNull()
    const brushed = Date.parse(address().get('to') ?? '') - Date.parse(address().get('from') ?? '')
    expect(brushed / width).toBeGreaterThan(30)
    await page.getByRole('slider').focus()
    await page.keyboard.press('ArrowLeft')
    await page.keyboard.press('Enter')
    await expect
      .poll(() => Date.parse(address().get('to') ?? '') - Date.parse(address().get('from') ?? ''))
      .toBeLessThan(width)
  })

  it('marks what the search has not looked at yet, and says so of counts that take too long', async () => {
    api.coveredFrom = new Date(Date.now() - 600_000).toISOString()
    let release = () => undefined as unknown
    const released = new Promise<void>((resolve) => {
      release = resolve
    })
    await page.route('**/api/v1/search?*cursor=*', async (route) => {
      await released
      await route.continue()
    })
    await visit({ ...order, from: 'now-1h' })
    const note = page.locator('.histogram-unsearched')
    await expect.poll(() => note.textContent()).toMatch(/^Not searched yet before \d{4}-\d\d-\d\d \d\d:\d\d:\d\d$/)
    const [bars, marked] = [await page.locator('.histogram-bars').boundingBox(), await note.boundingBox()]
    expect((marked?.width ?? 0) / (bars?.width ?? 1)).toBeCloseTo(5 / 6, 1)
    await shoot('partial-en')
    release()
    await note.waitFor({ state: 'detached' })
    api.coveredFrom = undefined

    api.failing = { path: 'histogram', status: 422 }
    await page.getByRole('button', { name: 'Search', exact: true }).click()
    await page.getByText('Counting all of it takes too long').waitFor()
  })

  it('makes only those rows again that a key changes', async () => {
    await visit(order)
    await lines().first().waitFor()
    await page.keyboard.press('j')
    await page.locator('.line[aria-current="true"]').waitFor()
    // Each row reads its time when it is made.
    await page.evaluate(() => {
      const parse = Date.parse
      Object.assign(globalThis, { parsed: 0 })
      Date.parse = (text) => {
        Object.assign(globalThis, { parsed: (globalThis as unknown as { parsed: number }).parsed + 1 })
        return parse(text)
      }
    })
    const made = () => page.evaluate(() => (globalThis as unknown as { parsed: number }).parsed)
    const id = await page.locator('.lines-slot:has([aria-current="true"])').getAttribute('data-index')
    await page.keyboard.press('j')
    await expect
      .poll(() => page.locator('.lines-slot:has([aria-current="true"])').getAttribute('data-index'))
      .not.toBe(id)
    expect(await made()).toBeLessThan(20)
  })

  it('reads a time without a zone as the server does, and says its zone in the address', async () => {
    await visit({ ...order, from: '2016-05-16', to: '2016-05-16T12:00', tz: 'UTC' })
    await expect.poll(() => address().get('from')).toBe('2016-05-16T00:00:00.000Z')
    const range = page.getByRole('button', { name: /^Time range 2016-05-16 00:00 – 12:00/ })
    await range.waitFor()
    await expect
      .poll(() => api.requests.some((request) => request.includes('to=2016-05-16T12%3A00%3A00.000Z')))
      .toBe(true)
  })

  it('comes up where the browser keeps nothing', async () => {
    await page.addInitScript(() => {
      Object.defineProperty(globalThis, 'localStorage', {
        get() {
          throw new DOMException('blocked', 'SecurityError')
        },
      })
    })
    await visit(order)
    await lines().first().waitFor()
    // The library of the components says so too.
    forgive('[@mantine/core]')
  })

  it('filters by level, as a click on it in the summary says', async () => {
    await visit(order)
    await page.getByRole('button', { name: /^error: / }).click()
    await expect.poll(() => address().getAll('level')).toEqual(['error'])
    await expect.poll(() => page.locator('.results:not(.stale) .line:not([data-level="error"])').count()).toBe(0)
    expect(await page.getByRole('button', { name: /^info: / }).isVisible()).toBe(true)
  })

  it('loads older lines when the end comes near, without repeating any', async () => {
    await visit(order)
    await lines().first().waitFor()
    const cursors = () =>
      api.requests.filter((request) => request.startsWith('search') && request.includes('cursor=1200')).length
    const before = cursors()
    for (let turn = 0; turn < 8 && cursors() === before; turn++) {
      await page.locator('.lines').hover()
      await page.mouse.wheel(0, 4_000)
      await page.waitForResponse(() => true, { timeout: 300 }).catch(() => undefined)
    }
    expect(cursors()).toBeGreaterThan(before)
    const places = await page
      .locator('.lines-slot')
      .evaluateAll((slots) => slots.map((slot) => slot.getAttribute('aria-posinset')))
    expect(new Set(places).size).toBe(places.length)
  })

  it('narrows by a field of a line', async () => {
    await visit({ cluster: 'prod-sh', app: 'gateway' })
    await lines().first().click()
    await page.getByRole('button', { name: /^req-4/ }).click()
    await expect.poll(() => address().get('q')).toMatch(/^\.reqId:req-4/)
  })

  it('unfolds a stack trace and folds it again', async () => {
    await visit({ ...order, q: 'SocketException' })
    const fold = page.getByRole('button', { name: /24 more lines/ }).first()
    await fold.click()
    await expect.poll(() => lines().first().textContent()).toContain('Channel22.java')
    await page.getByRole('button', { name: 'Fold' }).click()
    await expect.poll(() => lines().first().textContent()).not.toContain('Channel22.java')
  })

  it('shows lines as text, never as markup', async () => {
    await visit({ ...order, q: '端口' })
    await expect.poll(() => lines().first().textContent()).toContain('<script>alert(1)</script> & <b>bold</b>')
    expect(await page.locator('.line script, .line b').count()).toBe(0)
  })

  it('says under the box what is wrong with a query, and where', async () => {
    await visit({ ...order, q: 'timeout OR' })
    const problem = page.locator('.keyword-problem')
    await expect.poll(() => problem.textContent()).toContain('is missing here')
    await page.getByLabel('Keyword', { exact: true }).fill('level:nosuch')
    await problem.waitFor({ state: 'detached' })
    await page.keyboard.press('Enter')
    await expect.poll(() => page.locator('.keyword-problem-place').textContent()).toBe('nosuch')
    expect(await page.getByLabel('Keyword', { exact: true }).getAttribute('aria-invalid')).toBe('true')
  })

  it('says that nothing matches, and what to try', async () => {
    await visit({ ...order, q: 'nosuchword' })
    await page.getByText('No line matches').waitFor()
    await page.getByRole('button', { name: 'Search without the keyword' }).click()
    await lines().first().waitFor()
    expect(address().get('q')).toBeNull()
  })

  it('says that no logs have arrived yet', async () => {
    const { records } = api
    api.records = []
    await visit()
    await page.getByText('No logs have arrived yet').waitFor()
    await page.getByRole('link', { name: 'What is shipped' }).click()
    await page.getByText('No shipper has told of a file yet.').waitFor()
    await page.goBack()
    api.records = records
    await page.getByRole('button', { name: 'Check again' }).click()
    await page.getByRole('link', { name: /^order-service/ }).waitFor()
  })

  it('says that the search failed, and tries again', async () => {
    api.failing = { path: 'search', status: 500 }
    await visit(order)
    await page.getByText('The store does not answer.').waitFor()
    api.failing = undefined
    await page.getByRole('button', { name: 'Try again' }).click()
    await lines().first().waitFor()
  })

  it('takes a typed range in the time zone of the page', async () => {
    await visit(order)
    await page.getByRole('button', { name: /^Time range/ }).click()
    await page.getByLabel('From', { exact: true }).fill('2016-05-16 20:00')
    await page.getByLabel('To', { exact: true }).fill('nonsense')
    await page.getByText(/^Not a time/).waitFor()
    await page.getByLabel('To', { exact: true }).fill('2016-05-16 21:00')
    await page.keyboard.press('Enter')
    await expect.poll(() => address().get('from')).toBe('2016-05-16T12:00:00.000Z')
    await page.getByRole('button', { name: 'Time range 2016-05-16 20:00 – 21:00' }).waitFor()
  })

  it('exports exactly what is searched, as text, with one button', async () => {
    await visit({ ...order, q: 'timeout' })
    await lines().first().waitFor()
    await page.getByRole('button', { name: 'Export' }).click()
    const dialog = page.getByRole('dialog', { name: 'Export what is found' })
    await expect.poll(() => dialog.textContent()).toMatch(/^.*[\d,]+ lines · about .*order-service.*timeout.*Last day/)
    const download = page.waitForEvent('download')
    await page.keyboard.press('Enter')
    expect((await download).suggestedFilename()).toBe('export.txt')
    await expect.poll(() => dialog.getByRole('status').textContent()).toMatch(/^Saved: .* lines\.$/)
    expect(api.requests.at(-1)).toMatch(/^export\?.*q=timeout.*order=asc&format=txt$/)
  })

  it('is what its address says, and switches its language in place', async () => {
    await visit({ ...order, q: '连接失败', level: 'warn', from: 'now-6h', wrap: '1', lang: 'zh-CN' })
    await lines().first().waitFor()
    expect(await page.getByLabel('关键字', { exact: true }).inputValue()).toBe('连接失败')
    await page.getByRole('button', { name: '时间范围 最近 6 小时' }).waitFor()
    await lines().first().click()
    await page.locator('.context-line').first().waitFor()
    const shared = page.url()
    await page.getByRole('button', { name: /Switch to English/ }).click()
    await page.getByRole('button', { name: 'Search', exact: true }).waitFor()
    expect(address().get('lang')).toBe('en')
    await page.goto(shared)
    await page.locator('.context-line[aria-current="true"]').waitFor()
    expect(page.url()).toBe(shared)
    expect(await page.locator('html').getAttribute('lang')).toBe('zh-CN')
  })

  it('answers to its keys', async () => {
    await visit(order)
    await lines().first().waitFor()
    await page.keyboard.press('w')
    await expect.poll(() => address().get('wrap')).toBe('1')
    await page.keyboard.press('?')
    await page.getByRole('dialog').waitFor()
    await page.keyboard.press('Escape')
    await page.getByRole('dialog').waitFor({ state: 'detached' })
    await page.keyboard.press('j')
    await page.keyboard.press('c')
    await page.getByRole('complementary', { name: 'Context' }).waitFor()
  })
})
