/** Live tail in a real browser. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { MockRecord } from './mock-records.ts'
import { address, api, later, lines, order, page, pageInBrowser, shoot, topLine, visit } from './page-in-browser.ts'

pageInBrowser()

const bar = () => page.locator('.live')
const first = () => lines().first().textContent()
const texts = () => page.locator('.line .line-text').allTextContents()
const waiting = (count: number) => page.getByRole('button', { name: `↑ ${count} new line` })

let before: MockRecord[]
beforeEach(() => {
  before = api.records
})
afterEach(() => {
  api.records = before
})

async function follow(query: Record<string, string> = {}): Promise<void> {
  await visit({ ...order, ...query, follow: '1' })
  await lines().first().waitFor()
  await expect.poll(() => bar().textContent()).toMatch(/Live/)
}

describe('live tail', () => {
  it('begins and ends with f, and the address says so', async () => {
    await visit({ ...order, to: new Date().toISOString() })
    await lines().first().waitFor()
    await page.keyboard.press('f')
    await expect.poll(() => bar().textContent()).toMatch(/Live/)
    expect([address().get('follow'), address().get('to')]).toEqual(['1', null])
    await expect.poll(() => api.tails.size).toBe(1)
    await page.keyboard.press('f')
    await bar().waitFor({ state: 'detached' })
    expect(address().get('follow')).toBeNull()
    await expect.poll(() => api.tails.size).toBe(0)
    await page.getByRole('button', { name: 'Follow' }).click()
    await bar().waitFor()
  })

  it('asks with the filters and the query, and shows lines as they come, each once', async () => {
    await follow({ level: 'info', q: 'INFO OR later' })
    const asked = api.requests.findLast((request) => request.startsWith('tail')) ?? ''
    expect(new URLSearchParams(asked.split('?')[1]).toString()).toMatch(
      /cluster=prod-sh&app=order-service&level=info&q=INFO\+OR\+later&tz=.*&lines=0/,
    )
    const records = later(4)
    api.write([...records.slice(0, 2), { ...(records[0] as MockRecord), app: 'gateway', message: 'later elsewhere' }])
    await expect.poll(first).toContain('arrived later 1')
    api.write(records)
    await expect.poll(first).toContain('arrived later 3')
    expect(
      (await texts())
        .slice(0, 5)
        .map((text) => text.replace(/^.*arrived/, 'arrived'))
        .slice(0, 4),
    ).toEqual([3, 2, 1, 0].map((n) => `arrived later ${n}`))
    expect((await texts()).filter((text) => text.includes('elsewhere'))).toEqual([])
    await expect.poll(() => bar().textContent()).toMatch(/[\d.]+ lines\/s/)
    await expect.poll(() => bar().textContent()).toMatch(/[1-9][\d.]* lines\/s|0\.[1-9] lines\/s/)
    await shoot('live-en')
  })

  it('does not move what is read: new lines wait until they are asked for', async () => {
    await follow()
    await page.locator('.lines').evaluate((box) => box.scrollTo({ top: 220 }))
    const read = await topLine()
    api.write(later(3))
    await waiting(3).waitFor()
    api.write(later(2, 'and later', 3))
    await waiting(5).waitFor()
    expect(await topLine()).toEqual(read)
    await shoot('live-waiting-en')
    await waiting(5).click()
    await expect.poll(first).toContain('and later 4')
    api.write(later(1, 'at once', 5))
    await expect.poll(first).toContain('at once 5')
    // Scrolled back to the top by hand, what waited is shown as well.
    await page.locator('.lines').evaluate((box) => box.scrollTo({ top: 300 }))
    api.write(later(1, 'seen later', 6))
    await waiting(1).waitFor()
    await page.locator('.lines').evaluate((box) => box.scrollTo({ top: 0 }))
    await expect.poll(first).toContain('seen later 6')
  })

  it('moves nothing under text that is being selected', async () => {
    await follow()
    await lines()
      .first()
      .locator('.line-text')
      .dblclick({ position: { x: 20, y: 10 } })
    api.write(later(1))
    await waiting(1).waitFor()
    await page.evaluate('getSelection().removeAllRanges()')
    await expect.poll(first).toContain('arrived later 0')
  })

  it('goes on behind a pause without a gap', async () => {
    await follow()
    api.write(later(1, 'before the pause'))
    await expect.poll(first).toContain('before the pause')
    await page.keyboard.press('p')
    await expect.poll(() => bar().textContent()).toMatch(/Paused/)
    await expect.poll(() => api.tails.size).toBe(0)
    api.write(later(2, 'in the pause', 1))
    await page.getByRole('button', { name: 'Resume' }).click()
    await expect.poll(first).toContain('in the pause 2')
    expect(api.requests.findLast((request) => request.startsWith('tail'))).toMatch(/lastEventId=\d+\.\d+/)
  })

  it('comes back when the server was away, and looks up what it missed', async () => {
    await follow()
    api.write(later(1, 'before the restart'))
    await expect.poll(first).toContain('before the restart')
    api.failing = { path: 'tail', status: 503 }
    api.restart()
    await expect.poll(() => bar().textContent()).toMatch(/Connection lost.*not available/)
    await shoot('live-away-en')
    // It is in the store; nobody was there to be told.
    api.records = [...api.records, ...later(2, 'meanwhile', 1)]
    api.failing = undefined
    await expect.poll(first).toContain('meanwhile 2')
    await expect.poll(() => bar().textContent()).toMatch(/^Live/)
    expect(await bar().textContent()).not.toMatch(/missing/)
    api.write(later(1, 'behind the restart', 3))
    await expect.poll(first).toContain('behind the restart')
  })

  it('tells how many lines the server had to drop, and loads them', async () => {
    await follow()
    const [one, two] = later(2) as [MockRecord, MockRecord]
    api.write([one])
    await expect.poll(first).toContain('arrived later 0')
    api.records = [...api.records, two]
    for (const tail of api.tails) tail.write('event: missed\ndata: {"events":1}\n\n')
    await expect.poll(() => bar().textContent()).toMatch(/1 line missed/)
    await shoot('live-missed-en')
    await page.getByRole('button', { name: 'Load them' }).click()
    await expect.poll(first).toContain('arrived later 1')
    expect(await bar().textContent()).not.toMatch(/missed/)
  })

  it('can be cleared', async () => {
    await follow()
    await page.getByRole('button', { name: 'Clear', exact: true }).click()
    await page.getByText('Waiting for lines').waitFor()
    api.write(later(1))
    await expect.poll(first).toContain('arrived later 0')
    expect(await lines().count()).toBe(1)
    await page.getByText('Only what came since').waitFor()
    await page.getByRole('button', { name: 'Search again' }).click()
    await expect.poll(() => lines().count()).toBeGreaterThan(10)
  })

  it('ends at the login when the session has ended', async () => {
    await follow()
    api.signedOut = true
    for (const tail of api.tails) tail.end('event: ended\ndata: {}\n\n')
    await page.getByLabel('Token').waitFor()
    await page.getByText('Your session has ended').waitFor()
    await shoot('session-ended-en')
    api.signedOut = false
  })
})
