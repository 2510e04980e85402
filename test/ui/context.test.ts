/** The lines around a line, in a real browser. */
import { describe, expect, it } from 'vitest'
import { address, api, lines, order, page, pageInBrowser, visit } from './page-in-browser.ts'

pageInBrowser()

describe('the context', () => {
  it('opens the context of a line beside the list, and follows j and k', async () => {
    await visit({ ...order, q: '"Connection reset"' })
    await lines().nth(2).click()
    const panel = page.getByRole('complementary', { name: 'Context' })
    await panel.locator('.context-line[aria-current="true"]').waitFor()
    expect(await panel.locator('.details').textContent()).toContain('/logs/order.log')
    expect(await panel.locator('.context-line').count()).toBeGreaterThan(20)
    expect(await panel.locator('mark').first().textContent()).toBe('Connection reset')
    const [list, beside] = [await page.locator('.results-lines').boundingBox(), await panel.boundingBox()]
    expect((list?.x ?? 0) + (list?.width ?? 0)).toBeLessThanOrEqual((beside?.x ?? 0) + 1)
    const first = address().get('line')
    await page.keyboard.press('j')
    await expect.poll(() => address().get('line')).not.toBe(first)
    await page.keyboard.press('k')
    await expect.poll(() => address().get('line')).toBe(first)
    await page.keyboard.press('Escape')
    await panel.waitFor({ state: 'detached' })
    expect(address().get('line')).toBeNull()
  })

  it('goes on through the file in both directions, and what is read stays where it is', async () => {
    const asked = api.requests.length
    await visit({ ...order, to: 'now-6h' })
    await lines().first().click()
    const around = page.locator('.context-line')
    const hit = page.locator('.context-line[aria-current="true"]')
    await hit.waitFor()
    const box = page.locator('.context-lines')
    const { y, height } = (await box.boundingBox()) ?? { y: 0, height: 0 }
    const middle = async () => {
      const at = await hit.boundingBox()
      return (at?.y ?? 0) + (at?.height ?? 0) / 2 - y - height / 2
    }
    await expect.poll(async () => Math.abs(await middle())).toBeLessThan(12)
    // Further lines have come on both sides by then, and the record is still in the middle.
    await expect
      .poll(() => api.requests.slice(asked).filter((request) => /^context.*(before|after)=100/.test(request)).length)
      .toBe(2)
    await expect.poll(async () => Math.abs(await middle())).toBeLessThan(12)

    await page.route('**/api/v1/context*', async (route) => {
      await new Promise((resolve) => setTimeout(resolve, 300))
      await route.continue()
    })
    const top = () =>
      box.evaluate((box) => {
        const edge = box.getBoundingClientRect().top
        const line = [...box.querySelectorAll('.context-line')].find((line) => line.getBoundingClientRect().top >= edge)
        return [line?.getAttribute('title'), Math.round((line?.getBoundingClientRect().top ?? 0) - edge)]
      })
    await box.evaluate((box) => box.scrollTo({ top: 130 }))
    const read = await top()
    const loaded = page.waitForResponse(/context.*before=100/)
    await loaded
    await expect.poll(() => box.evaluate((box) => box.scrollTop)).toBeGreaterThan(2_000)
    expect(await top()).toEqual(read)
    expect(await around.count()).toBeLessThan(80)

    for (let turn = 0; turn < 60; turn++) {
      await box.evaluate((box) => box.scrollTo({ top: 0 }))
      if ((await page.getByText('Beginning of the file').count()) > 0) break
      await page.waitForResponse(/context.*before=100/).catch(() => undefined)
    }
    await page.getByText('Beginning of the file').waitFor()
    expect(await around.count()).toBeLessThan(80)
  }, 60_000)
})
