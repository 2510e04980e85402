/** What axe finds on a page that keeps somebody out. */
import { readFileSync } from 'node:fs'
import type { Page } from 'playwright-core'

const axeSource = readFileSync(new URL(import.meta.resolve('axe-core/axe.min.js')), 'utf8')

/** As one line each: the rule, and the elements that break it. */
export async function serious(page: Page): Promise<string[]> {
  const found = await page.evaluate(`
    (() => { ${axeSource} })();
    axe.run(document, { resultTypes: ['violations'] }).then(({ violations }) => violations
      .filter(({ impact }) => impact === 'serious' || impact === 'critical')
      .map(({ id, nodes }) => id + ': ' + nodes.slice(0, 3).map(({ html, failureSummary }) => html.slice(0, 160) + ' ' + failureSummary).join(' | ')))
  `)
  return found as string[]
}
