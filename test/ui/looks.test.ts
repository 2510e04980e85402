/** How the page looks and whether it can be used by everybody: pictures, axe, small screens, the size of what is loaded. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { describe, expect, it } from 'vitest'
import { serious } from './axe.ts'
import { uiDist } from './browser.ts'
import { api, later, lines, open, order, page, pageInBrowser, shoot, visit } from './page-in-browser.ts'

pageInBrowser()

const screens: readonly [name: string, prepare: () => Promise<unknown>][] = [
  [
    'apps',
    async () => {
      await visit({ cluster: 'prod-sh' })
      await expect.poll(() => page.locator('.app-card-bar').count()).toBe(36 * 5)
      await expect.poll(() => page.locator('.app-card-instances').count()).toBe(5)
    },
  ],
  [
    'search',
    async () => {
      await visit({ ...order, q: '"Connection reset" OR 连接失败 -level:debug' })
      await lines().nth(3).locator('.line-time').click()
      await page.locator('.context-line').first().waitFor()
    },
  ],
  [
    'live',
    async () => {
      api.losses = api.records.filter(({ app }) => app === order.app).slice(-4, -3)
      await visit({ ...order, follow: '1' })
      await page.locator('.live[data-status="live"]').waitFor()
      await page.locator('.loss').waitFor()
      await page.locator('.lines').evaluate((box) => box.scrollTo({ top: 44 }))
      api.write(later(3, '支付完成', api.records.length))
      await page.locator('.lines-newer').waitFor()
      for (const tail of api.tails) tail.write('event: missed\ndata: {"events":1200}\n\n')
      await page.locator('.live-missed').waitFor()
      api.losses = []
    },
  ],
  [
    'partial',
    async () => {
      await page.route('**/api/v1/search?*cursor=*', () => undefined)
      api.coveredFrom = new Date(Date.now() - 3_600_000).toISOString()
      await visit(order)
      await page.locator('.histogram-unsearched').waitFor()
      api.coveredFrom = undefined
    },
  ],
  [
    'error',
    async () => {
      await visit({ ...order, q: 'timeout OR' })
      await page.locator('.keyword-problem').waitFor()
    },
  ],
  [
    'files',
    async () => {
      await visit({ cluster: 'prod-sh' }, 'files')
      await page.getByRole('cell').first().waitFor()
    },
  ],
  [
    'alerts',
    async () => {
      await visit({ cluster: 'prod-sh' }, 'alerts')
      await page.getByRole('button', { name: /支付失败/ }).click()
      await page.locator('.alert-history li').first().waitFor()
    },
  ],
]

describe('its looks', () => {
  for (const lang of ['zh-CN', 'en'] as const) {
    it(`are kept as pictures, light and dark, and keep nobody out: ${lang}`, async () => {
      await open({ locale: lang })
      for (const [name, prepare] of screens) {
        await prepare()
        await shoot(`${name}-${lang}`)
        // The last picture was dark; both grounds have their own contrasts.
        if (lang === 'en') {
          expect(await serious(page), `${name}, dark`).toEqual([])
          await page.emulateMedia({ colorScheme: 'light' })
          expect(await serious(page), `${name}, light`).toEqual([])
        }
      }
    }, 60_000)
  }

  it('fit a small screen', async () => {
    await open({ viewport: { width: 390, height: 800 }, hasTouch: true })
    for (const [name, prepare] of screens) {
      if (name === 'error') continue
      await prepare()
      const wide = await page.evaluate('document.documentElement.scrollWidth - innerWidth')
      expect(wide, name).toBeLessThanOrEqual(0)
      await shoot(`small-${name}`)
    }
  })

  it('are there for dialogs and menus too', async () => {
    await visit({ cluster: 'prod-sh', app: 'gateway' })
    await lines().first().waitFor()
    await page.getByRole('button', { name: 'Columns' }).click()
    await page.getByPlaceholder('Any field …').waitFor()
    expect(await serious(page), 'columns').toEqual([])
    await page.keyboard.press('Escape')
    await page.getByRole('button', { name: /^Time range/ }).click()
    await page.getByRole('button', { name: 'Previous month' }).waitFor()
    expect(await serious(page), 'time range').toEqual([])
    await page.keyboard.press('Escape')
    await page.keyboard.press('Control+k')
    await page.getByRole('option').first().waitFor()
    expect(await serious(page), 'palette').toEqual([])
    await page.keyboard.press('Escape')
    await page.getByRole('button', { name: 'Export' }).click()
    await page.getByText('Other formats and options').click()
    expect(await serious(page), 'export').toEqual([])
    await visit({ cluster: 'prod-sh', app: 'order-service', q: 'timeout' }, 'alerts')
    await page.getByRole('button', { name: 'New alert' }).click()
    await page.getByRole('button', { name: '+ E-mail' }).click()
    await page.getByRole('button', { name: '+ Webhook' }).click()
    await page.getByText(/lines? match(es)? now/).waitFor()
    await shoot('alert-form')
    expect(await serious(page), 'alert form, dark').toEqual([])
    await page.emulateMedia({ colorScheme: 'light' })
    expect(await serious(page), 'alert form, light').toEqual([])
  })
})

describe('its size', () => {
  const firstLoadBytesMax = 250_000

  it('is small until the first lines are there', async () => {
    const loaded: string[] = []
    page.on('response', (response) => {
      const { pathname } = new URL(response.url())
      if (response.url().startsWith(api.url) && !pathname.startsWith('/api/')) loaded.push(pathname)
    })
    await visit(order)
    await lines().first().waitFor()
    const names = loaded.map((path) => (/\.\w+$/.test(path) ? path.slice(1) : 'index.html'))
    const bytes = names.reduce((sum, name) => sum + gzipSync(readFileSync(join(uiDist, name))).length, 0)
    console.log(`first load of the search page: ${names.length} files, ${Math.round(bytes / 1000)} KB gzip`)
    expect(names.some((name) => name.endsWith('.css'))).toBe(true)
    expect(bytes).toBeLessThan(firstLoadBytesMax)
  })
})
