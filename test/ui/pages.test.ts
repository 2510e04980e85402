/** Everything around the lines: apps, palette, keyword box, time range, export, files. In a real browser. */
import { describe, expect, it } from 'vitest'
import { address, api, lines, order, page, pageInBrowser, path, shoot, visit } from './page-in-browser.ts'

pageInBrowser()

const keyword = () => page.getByLabel('Keyword', { exact: true })

describe('the apps page', () => {
  it('shows clusters, instances, and apps that have fallen silent', async () => {
    const { records } = api
    const day = 86_400_000
    const old = records.filter(({ app }) => app === 'legacy').map((record) => ({ ...record, app: 'fallen-silent' }))
    const shifted = old.map((record) => ({
      ...record,
      time: new Date(Date.parse(record.time) - 3 * day).toISOString().replace('Z', '000Z'),
    }))
    api.records = [...shifted, ...records, ...records.slice(-9).map((record) => ({ ...record, cluster: 'prod-bj' }))]
    await visit({ cluster: 'prod-sh' })
    await page.getByRole('link', { name: 'prod-bj' }).waitFor()
    const silent = page.getByRole('link', { name: /^fallen-silent/ })
    await expect.poll(() => silent.textContent()).toMatch(/no new lines for 3 days.*nothing in this time range/)
    await expect.poll(() => page.getByRole('link', { name: /^order/ }).textContent()).toContain('3 instances')
    await silent.click()
    await lines().first().waitFor()
    await page.goBack()
    await page.keyboard.press('/')
    await page.keyboard.type('gate')
    await expect.poll(() => page.getByRole('link', { name: /errors/ }).count()).toBe(1)
    await page.getByRole('link', { name: 'prod-bj' }).click()
    expect(address().get('cluster')).toBe('prod-bj')
    api.records = records
  })

  it('leads to search and files, and search leads back to what was searched', async () => {
    await visit({ ...order, q: 'timeout' })
    await lines().first().waitFor()
    await page.getByRole('link', { name: 'Apps', exact: true }).click()
    await page.getByRole('link', { name: /^order/ }).waitFor()
    expect(path()).toBe('/')
    expect(address().get('q')).toBeNull()
    await page.getByRole('button', { name: /Last day/ }).click()
    await page.getByRole('button', { name: 'Last 6 hours' }).click()
    await page.getByRole('link', { name: 'Search', exact: true }).click()
    await lines().first().waitFor()
    expect(address().get('from')).toBe('now-6h')
    expect(path()).toBe('/search')
    expect(await keyword().inputValue()).toBe('timeout')
    await page.getByRole('link', { name: 'Files', exact: true }).click()
    await page.getByRole('table').waitFor()
    expect(path()).toBe('/files')
    expect(await page.title()).toBe('Files · Shiplog')
  })
})

describe('the palette', () => {
  it('goes to an app, to an instance within its app, and does things', async () => {
    await visit({ cluster: 'prod-sh' })
    await page.getByRole('link', { name: /^order/ }).waitFor()
    await page.keyboard.press('Control+k')
    await page
      .getByRole('option', { name: /^gateway/ })
      .first()
      .waitFor()
    await page.keyboard.type('edge-0')
    await expect.poll(() => page.getByRole('option').count()).toBe(1)
    await page.keyboard.press('Enter')
    await lines().first().waitFor()
    expect(address().get('app')).toBe('gateway')
    expect(address().get('instance')).toBe('gateway-edge-0')

    await page.keyboard.press('Control+k')
    await page.keyboard.type('appearance dark')
    await page.getByRole('option', { name: 'Appearance: dark' }).waitFor()
    await shoot('palette')
    await page.keyboard.press('Enter')
    await expect.poll(() => page.locator('html').getAttribute('data-mantine-color-scheme')).toBe('dark')
    await page.keyboard.press('Control+k')
    await page.keyboard.type('last 6')
    await page.getByRole('option', { name: /^Last 6 hours/ }).click()
    expect(address().get('from')).toBe('now-6h')
    await page.keyboard.press('Control+k')
    await page.keyboard.press('Escape')
    await page.getByRole('dialog').waitFor({ state: 'detached' })
  })
})

describe('the keyword box', () => {
  it('completes fields and their values', async () => {
    await visit({ cluster: 'prod-sh', app: 'gateway' })
    await lines().first().waitFor()
    await page.keyboard.press('/')
    await page.keyboard.type('slow -.req')
    await page.getByRole('option', { name: '.reqId:' }).waitFor()
    await shoot('completion')
    await page.keyboard.press('ArrowDown')
    await page.keyboard.press('Tab')
    expect(await keyword().inputValue()).toBe('slow -.reqId:')
    await page.getByRole('option', { name: /^req-4r/ }).click()
    expect(await keyword().inputValue()).toBe('slow -.reqId:req-4r ')
    await page.keyboard.type('lev')
    await page.keyboard.press('ArrowDown')
    await page.keyboard.press('Enter')
    await page.keyboard.type('w')
    await page.getByRole('option', { name: /^warn/ }).waitFor()
    await page.keyboard.press('Escape')
    await page.keyboard.type('arn')
    await page.keyboard.press('Enter')
    await expect.poll(() => address().get('q')).toBe('slow -.reqId:req-4r level:warn')
  })

  it('offers the recent searches while it is empty', async () => {
    await visit(order)
    await lines().first().waitFor()
    for (const query of ['timeout', '连接失败']) {
      await keyword().fill(query)
      await page.keyboard.press('Enter')
      await expect.poll(() => address().get('q')).toBe(query)
    }
    await page.getByRole('button', { name: 'Clear the keyword' }).click()
    await keyword().click()
    await expect.poll(() => page.getByRole('option').allTextContents()).toEqual(['连接失败', 'timeout'])
    await page.getByRole('option', { name: 'timeout' }).click()
    await expect.poll(() => address().get('q')).toBe('timeout')
  })
})

describe('the time range', () => {
  it('is picked in the calendar, whole days of the zone that was chosen', async () => {
    await visit({ ...order, from: '2016-05-02', to: '2016-05-03', tz: 'Asia/Shanghai' })
    await page.getByRole('button', { name: /^Time range/ }).click()
    await page.getByRole('button', { name: '16 May 2016' }).click()
    await page.getByRole('button', { name: '18 May 2016' }).click()
    expect(await page.getByLabel('From', { exact: true }).inputValue()).toBe('2016-05-16')
    await shoot('calendar')
    await page.getByRole('button', { name: 'Apply' }).click()
    await expect.poll(() => address().get('from')).toBe('2016-05-15T16:00:00.000Z')
    expect(address().get('to')).toBe('2016-05-18T16:00:00.000Z')
    await page.getByRole('button', { name: /^Time range/ }).click()
    await page.getByLabel('Zone').selectOption('UTC')
    await expect.poll(() => address().get('tz')).toBe('UTC')
    expect(await page.getByLabel('From', { exact: true }).inputValue()).toBe('2016-05-15 16:00:00')
  })
})

describe('the export', () => {
  const dialog = () => page.getByRole('dialog', { name: 'Export what is found' })

  it('can be stopped, and then nothing is saved', async () => {
    await visit(order)
    await lines().first().waitFor()
    api.stuckExports = true
    await page.getByRole('button', { name: 'Export' }).click()
    await dialog().getByText('Other formats and options').click()
    await shoot('export')
    await dialog().getByLabel(/^CSV/).check()
    await dialog().getByRole('button', { name: 'Save as CSV' }).click()
    await expect.poll(() => dialog().getByRole('status').textContent()).toMatch(/^[1-9].* lines so far/)
    await dialog().getByRole('button', { name: 'Stop' }).click()
    await dialog().getByRole('button', { name: 'Save as CSV' }).waitFor()
    await expect.poll(() => api.openExports).toBe(0)
    api.stuckExports = false
  })

  it('says when it broke off', async () => {
    await visit(order)
    await lines().first().waitFor()
    api.failing = { path: 'export', status: 503 }
    await page.getByRole('button', { name: 'Export' }).click()
    await dialog().getByRole('button', { name: 'Save as text' }).click()
    await expect
      .poll(() => dialog().getByRole('alert').textContent())
      .toMatch(/broke off and was not saved.*not available/)
    api.failing = undefined
    const download = page.waitForEvent('download')
    await dialog().getByRole('button', { name: 'Try again' }).click()
    await download
  })
})

describe('the files page', () => {
  it('shows the worst first, with reasons; filters and sorts', async () => {
    await visit({ cluster: 'prod-sh' }, 'files')
    const rows = () => page.getByRole('row').filter({ has: page.getByRole('cell') })
    await rows().first().waitFor()
    expect((await rows().allTextContents()).slice(0, 4)).toEqual([
      expect.stringMatching(/^ ?unreadable.*EACCES: permission denied/),
      expect.stringMatching(/truncated before it was read.*≥ 18\.2 KB/),
      expect.stringMatching(/^ ?behind/),
      expect.stringMatching(/^ ?hibernating/),
    ])
    await page.getByText('18.2 KB lost', { exact: true }).waitFor()
    await page.getByText('1 unreadable').waitFor()
    await page.getByRole('button', { name: 'Size' }).click()
    await expect
      .poll(() => page.getByRole('columnheader', { name: 'Size' }).getAttribute('aria-sort'))
      .toBe('ascending')
    await page.keyboard.press('/')
    await page.keyboard.type('order 9ttcv')
    await expect.poll(() => rows().count()).toBe(1)
    await rows().getByRole('link').click()
    await lines().first().waitFor()
    expect(path()).toBe('/search')
    expect(address().get('instance')).toBe('order-service-5f6d8c7b9-9ttcv')
  })

  it('keeps what it has when the server does not answer', async () => {
    await page.clock.install()
    await visit({ cluster: 'prod-sh' }, 'files')
    await page.getByRole('cell').first().waitFor()
    api.failing = { path: 'files', status: 500 }
    await page.clock.fastForward(5_100)
    await page.getByText('The server does not answer').waitFor()
    expect(await page.getByRole('cell').count()).toBeGreaterThan(0)
  })
})
