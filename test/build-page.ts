/** Before any test: the page that the browser tests look at is built, once, when it is older than its sources. */
import { builtPage } from './ui/browser.ts'

export async function setup(): Promise<void> {
  await builtPage()
}
