/** The alerts page against the real whole: an alert is made in the form, fires, is tested, silenced, changed and removed. */
import { appendFileSync, mkdirSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect, onTestFinished, test } from 'vitest'
import { hookReceiver } from '../alerts/receivers.ts'
import { launchBrowser } from '../ui/browser.ts'
import { count, startShiplog, temporaryFolder, waitFor } from './process.ts'

const artifacts = fileURLToPath(new URL('../../test-artifacts/system/', import.meta.url))

test('an alert is made, fires, is tested, silenced, changed and removed on the page', { timeout: 90_000 }, async () => {
  mkdirSync(artifacts, { recursive: true })
  const folder = temporaryFolder('alerts-page')
  onTestFinished(folder.cleanUp)
  const root = join(folder.path, 'logs')
  const file = join(root, 'shop/shop-0/logs/app.log')
  mkdirSync(dirname(file), { recursive: true })
  const write = (text: string): void => appendFileSync(file, `${new Date().toISOString()} ERROR ${text}\n`)
  const args = ['--root', root, '--data', join(folder.path, 'data'), '--timezone', 'UTC', '--log-level', 'warn']
  const [hook, shiplog, browser] = [await hookReceiver(), await startShiplog(args), await launchBrowser()]
  onTestFinished(() => browser.close())
  onTestFinished(() => shiplog.kill())
  write('the first line')
  await waitFor(async () => (await count(shiplog.url)) === 1)

  const page = await browser.newPage({
    viewport: { width: 1200, height: 800 },
    locale: 'en-US',
    reducedMotion: 'reduce',
  })
  page.setDefaultTimeout(10_000)
  const complaints: string[] = []
  page.on('pageerror', (error) => complaints.push(error.message))
  page.on('console', (message) => message.type() === 'error' && complaints.push(message.text()))
  await page.goto(`${shiplog.url}/alerts?cluster=default`)
  await page.getByText('There is no alert yet.').waitFor()
  await page.getByRole('button', { name: 'New alert' }).click()
  const form = page.getByRole('dialog')
  await form.getByLabel('Name', { exact: true }).fill('Payments fail')
  await form.getByLabel('App').fill('shop')
  await form.getByLabel('Keyword').fill('payment OR')
  await form.getByLabel('Lines', { exact: true }).fill('0')
  await form.getByLabel('Within').fill('10 minutes')
  await form.getByText('This is no length of time.').waitFor()
  await form.getByLabel('Within').fill('10m')
  await form.getByRole('button', { name: '+ Webhook' }).click()
  await form.getByLabel('Format').selectOption('JSON')
  await form.getByLabel('URL').fill(hook.url)
  await form.getByRole('button', { name: 'Save' }).click()
  // The server's own words about the query; the form keeps what was typed.
  await form.getByRole('alert').waitFor()
  await form.getByLabel('Keyword').fill('payment failed')
  await form.getByText('0 lines match now').waitFor()
  await form.getByRole('button', { name: 'Save' }).click()
  await form.waitFor({ state: 'detached' })

  write('payment failed for order 7')
  const row = page.getByRole('listitem').filter({ hasText: 'Payments fail' }).first()
  await row.getByText('firing', { exact: true }).waitFor()
  await waitFor(() => hook.taken.length === 1)
  expect(hook.taken[0]?.body.event).toBe('firing')
  await row.getByRole('button', { name: /Payments fail/ }).click()
  await row.getByText('told: firing').waitFor()
  await row.getByRole('button', { name: 'Send a test' }).click()
  await row.getByText(/took it/).waitFor()
  expect(hook.taken[1]?.body.event).toBe('test')
  await page.screenshot({ path: join(artifacts, 'alerts-en.png') })
  await row.getByRole('button', { name: 'Silence for 8h' }).click()
  await row.getByText('silenced', { exact: true }).waitFor()
  await row.getByRole('button', { name: 'End the silence' }).click()
  await row.getByText('firing', { exact: true }).first().waitFor()

  await row.getByRole('button', { name: 'Change' }).click()
  expect(await form.getByLabel('URL').inputValue()).toBe(`${new URL(hook.url).origin}/…`)
  await form.getByLabel('Name', { exact: true }).fill('Payments fail again')
  await form.getByRole('button', { name: 'Save' }).click()
  await form.waitFor({ state: 'detached' })
  await row.getByText('Payments fail again').waitFor()
  // The target is still the whole one.
  await row.getByRole('button', { name: 'Send a test' }).click()
  await waitFor(() => hook.taken.length === 3)
  expect(hook.taken[2]?.path).toContain('access_token=geheim')
  await row.getByRole('link', { name: 'See the lines' }).click()
  await page.locator('.line mark').first().waitFor()
  await page.goBack()
  await row.getByRole('button', { name: /Payments fail again/ }).click()
  await row.getByRole('button', { name: 'Remove' }).click()
  await row.getByRole('button', { name: 'Really remove?' }).click()
  await page.getByText('There is no alert yet.').waitFor()
  // The one answer that the form was refused with.
  expect(complaints.filter((text) => !text.includes('400 (Bad Request)'))).toEqual([])
})
