/** The real servers as tests see them. */
import { inject } from 'vitest'
import { whyNoServers } from './java.ts'

export type ServiceName = 'kafka' | 'elasticsearch'

/** Why tests on it are skipped, or undefined: for `describe.skipIf`. The run itself says it loudly (run.ts). */
export function whySkipped(name: ServiceName): string | undefined {
  return given(name) === undefined ? whyNoServers() : undefined
}

/** The URL of the server that all tests of this run share; the first who asks waits until it is up. */
export async function serviceUrl(name: ServiceName): Promise<string> {
  const url = given(name)
  if (url !== undefined) return url
  const answer = await fetch(`${inject('servicesUrl')}/${name}`)
  const text = await answer.text()
  if (!answer.ok) throw new Error(`${name} cannot be started: ${text}`)
  return text
}

function given(name: ServiceName): string | undefined {
  const url = process.env[`${name.toUpperCase()}_URL`]
  return url === '' ? undefined : url
}
