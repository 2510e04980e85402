/** The real page of a real process over the logs of real programs, for the files that test what stands on it. */
import { cpSync, mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { Browser, BrowserContextOptions, Page } from 'playwright-core'
import { afterAll, afterEach, beforeAll, beforeEach, expect, vi } from 'vitest'
import { blanksBetween, sampleFiles } from '../shipper/samples.ts'
import { serious } from '../ui/axe.ts'
import { launchBrowser } from '../ui/browser.ts'
import { count, type ShiplogProcess, startShiplog, temporaryFolder, waitFor } from './process.ts'

const samples = fileURLToPath(new URL('../fixtures/samples/', import.meta.url))
const artifacts = fileURLToPath(new URL('../../test-artifacts/system/', import.meta.url))

/** The pictures of the README are these; UPDATE_PICTURES=1 puts them there. */
const ofReadme = new Set(['patterns-en-light'])
const pictures =
  process.env.UPDATE_PICTURES === '1' ? fileURLToPath(new URL('../../docs/pictures/', import.meta.url)) : undefined

export let shiplog: ShiplogProcess
export let page: Page
let browser: Browser
/** What the page complained about, but for the answers that a test asked for. */
let complaints: string[]

/** The eight minutes in which the programs behind the samples ran, and the two halves of them. */
export const range = { from: '2026-11-22T21:13:00Z', to: '2026-11-22T21:21:00Z' }
export const secondHalf = { from: '2026-11-22T21:17:00Z', to: '2026-11-22T21:21:00Z' }

/** Called once by a test file: a process over the logs of these apps, and a fresh page for each test. */
export function pageOnSamples(name: string, apps: readonly string[], options: readonly string[] = []): void {
  // Each picture is looked through by axe, twice.
  vi.setConfig({ testTimeout: 60_000 })
  const folder = temporaryFolder(name)
  beforeAll(async () => {
    mkdirSync(artifacts, { recursive: true })
    for (const app of apps) cpSync(join(samples, app), join(folder.path, 'logs', app), { recursive: true })
    const fixed = ['--timezone', 'Asia/Shanghai', '--line-idle-ms', '100', '--retention-days', '0', ...options]
    const places = ['--root', join(folder.path, 'logs'), '--data', join(folder.path, 'data')]
    ;[shiplog, browser] = await Promise.all([startShiplog([...places, ...fixed]), launchBrowser()])
    const shipped = sampleFiles.filter((file) => apps.includes(file.app))
    const events = shipped.reduce((sum, file) => sum + file.events + blanksBetween(file), 0)
    await waitFor(async () => (await count(shiplog.url)) >= events, 20_000, `${events} events in the store`)
  }, 60_000)

  afterAll(async () => {
    await browser?.close()
    await shiplog?.kill()
    folder.cleanUp()
  })

  beforeEach(async () => {
    complaints = []
    await open()
  })

  afterEach(async () => {
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
    permissions: ['clipboard-read', 'clipboard-write'],
    ...options,
  })
  page = await context.newPage()
  page.setDefaultTimeout(10_000)
  page.on('pageerror', (error) => complaints.push(error.message))
  page.on('console', (message) => {
    const expected = message.text().startsWith('Failed to load resource')
    if (message.type() === 'error' && !expected) complaints.push(message.text())
  })
}

export async function visit(query: Record<string, string>, path = 'search'): Promise<void> {
  await page.goto(`${shiplog.url}/${path}?${new URLSearchParams({ cluster: 'default', ...query })}`)
}

export const address = () => new URL(page.url()).searchParams
export const lines = () => page.locator('.line[data-level]')
export const copied = () => page.evaluate('navigator.clipboard.readText()') as Promise<string>

const grounds = { light: 'rgb(247, 248, 250)', dark: 'rgb(16, 20, 24)' } as const

/** A picture of what is shown, light and dark, kept among the artefacts; axe must find nothing serious on either. */
export async function look(name: string): Promise<void> {
  for (const colorScheme of ['light', 'dark'] as const) {
    await page.emulateMedia({ colorScheme })
    const ground = () => page.evaluate('getComputedStyle(document.body).backgroundColor')
    await expect.poll(ground).toBe(grounds[colorScheme])
    const picture = await page.screenshot({ path: join(artifacts, `${name}-${colorScheme}.png`) })
    if (pictures !== undefined && ofReadme.has(`${name}-${colorScheme}`))
      writeFileSync(join(pictures, `${name}-${colorScheme}.png`), picture)
    expect(await serious(page), `${name}, ${colorScheme}`).toEqual([])
  }
}

/** True when nothing is wider than the window. */
export async function fits(): Promise<boolean> {
  return ((await page.evaluate('document.documentElement.scrollWidth - innerWidth')) as number) <= 0
}
