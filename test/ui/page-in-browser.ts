/** The built page in a real browser, under the content security policy that it is served with, for the files that test it. */
import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import type { Browser, BrowserContextOptions, Page } from 'playwright-core'
import { afterAll, afterEach, beforeAll, beforeEach, expect } from 'vitest'
import { launchBrowser, uiDist } from './browser.ts'
import { type MockApi, startMockApi } from './mock-api.ts'
import type { MockRecord } from './mock-records.ts'

const artifacts = join(import.meta.dirname, '../../test-artifacts/ui')
let browser: Browser
export let api: MockApi
export let page: Page
/** What the page complained about, but for the answers that a test asked to fail. */
let complaints: string[]

/** Called once by a test file: a browser for the file, a fresh page for each test, which must not complain about anything. */
export function pageInBrowser(): void {
  beforeAll(async () => {
    await mkdir(artifacts, { recursive: true })
    ;[api, browser] = await Promise.all([startMockApi(uiDist), launchBrowser()])
  }, 60_000)

  afterAll(async () => {
    await browser?.close()
    await api?.close()
  })

  beforeEach(async () => {
    complaints = []
    await open()
  })

  afterEach(async () => {
    api.failing = undefined
    await page.context().close()
    expect(complaints).toEqual([])
  })
}

/** Another page than the one that each test has already. */
export async function open(options: BrowserContextOptions = {}): Promise<void> {
  await page?.context().close()
  const context = await browser.newContext({
    viewport: { width: 1440, height: 900 },
    locale: 'en-US',
    timezoneId: 'Asia/Shanghai',
    reducedMotion: 'reduce',
    ...options,
  })
  page = await context.newPage()
  page.setDefaultTimeout(8_000)
  page.on('pageerror', (error) => complaints.push(error.message))
  page.on('console', (message) => {
    const expected = message.text().startsWith('Failed to load resource')
    if (message.type() !== 'log' && !expected) complaints.push(message.text())
  })
}

/** For a complaint that is right in its test. */
export function forgive(beginning: string): void {
  complaints = complaints.filter((text) => !text.startsWith(beginning))
}

export async function visit(query: Record<string, string> = {}, path = ''): Promise<void> {
  await page.goto(`${api.url}${path}?${new URLSearchParams(query)}`)
}

export const order = { cluster: 'prod-sh', app: 'order-service' }
export const lines = () => page.locator('.line[data-level]')
export const address = () => new URL(page.url()).searchParams
export const path = () => new URL(page.url()).pathname

const grounds = { light: 'rgb(247, 248, 250)', dark: 'rgb(16, 20, 24)' } as const

/** A picture of what is shown, light and dark, kept among the artefacts. */
export async function shoot(name: string): Promise<void> {
  for (const colorScheme of ['light', 'dark'] as const) {
    await page.emulateMedia({ colorScheme })
    const ground = () => page.evaluate('getComputedStyle(document.body).backgroundColor')
    await expect.poll(ground).toBe(grounds[colorScheme])
    await page.screenshot({ path: join(artifacts, `${name}-${colorScheme}.png`) })
  }
}

/** So many lines of the order service that are newer than all there are. */
export function later(count: number, text = 'arrived later', from = 0): MockRecord[] {
  const last = api.records.findLast(({ app }) => app === order.app) as MockRecord
  return Array.from({ length: count }, (_, n) => ({
    ...last,
    id: `${last.generation}-${last.offset + 1 + from + n}`,
    offset: last.offset + 1 + from + n,
    time: new Date(Date.now() + n).toISOString().replace('Z', '000Z'),
    level: 'info',
    message: `${text} ${from + n}`,
  }))
}

/** What is on the screen at the top of the list, and how far below its edge. */
export function topLine() {
  return page.locator('.lines').evaluate((box) => {
    const edge = box.getBoundingClientRect().top
    const rows = [...box.querySelectorAll('.lines-slot')].map((row) => ({ row, top: row.getBoundingClientRect().top }))
    const first = rows.filter(({ top }) => top >= edge - 1).sort((a, b) => a.top - b.top)[0]
    return { text: first?.row.textContent, below: Math.round((first?.top ?? 0) - edge) }
  })
}
