/** The dashboard and the alert rules of examples/: each expression can be read, and every metric in it is one that a process has. */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { parse } from 'yaml'
import { count, type ShiplogProcess, startShiplog, temporaryFolder, waitFor } from './process.ts'

const examples = join(import.meta.dirname, '../../examples')

interface Rule {
  readonly alert: string
  readonly expr: string
  readonly for?: string
  readonly labels: { readonly severity: string }
  readonly annotations: { readonly summary: string; readonly action: string }
}
interface Panel {
  readonly id: number
  readonly title: string
  readonly gridPos: { readonly x: number; readonly y: number; readonly w: number; readonly h: number }
  readonly targets: readonly { readonly refId: string; readonly expr: string }[]
}

const rules = (
  parse(readFileSync(join(examples, 'prometheus/shiplog.rules.yml'), 'utf8')) as { groups: { rules: Rule[] }[] }
).groups.flatMap((group) => group.rules)
const dashboard = JSON.parse(readFileSync(join(examples, 'grafana/shiplog.json'), 'utf8')) as {
  readonly title: string
  readonly panels: readonly Panel[]
  readonly templating: { readonly list: readonly { readonly name: string; readonly query: string }[] }
}
const expressions = [
  ...rules.map(({ alert, expr }) => [alert, expr] as const),
  ...dashboard.panels.flatMap(({ title, targets }) =>
    targets.map(({ refId, expr }) => [`${title} ${refId}`, expr] as const),
  ),
]

// https://prometheus.io/docs/prometheus/latest/querying/basics/, as far as the examples use it.
const token =
  /\s+|"(?:[^"\\]|\\.)*"|\[(?:\d+(?:ms|[smhdwy])|\$__rate_interval)\]|\d+(?:\.\d+)?(?:e\d+)?|[a-zA-Z_:][a-zA-Z0-9_:]*|=~|!~|!=|==|>=|<=|[-+*/%^<>=(){},]/y
const words = new Set(['by', 'without', 'and', 'or', 'unless', 'on', 'ignoring', 'bool'])
const functions = new Set(['sum', 'rate', 'increase', 'deriv', 'histogram_quantile'])

function tokensOf(expression: string): string[] {
  const tokens: string[] = []
  token.lastIndex = 0
  while (token.lastIndex < expression.length) {
    const at = token.lastIndex
    const [found] = token.exec(expression) ?? []
    if (found === undefined) throw new Error(`not understood from “${expression.slice(at, at + 20)}” on`)
    if (found.trim() !== '') tokens.push(found)
  }
  return tokens
}

/** The metrics of an expression and the labels that go with them; throws where it is none. */
function readExpression(expression: string): { metrics: Set<string>; labels: Set<string> } {
  const tokens = tokensOf(expression)
  const open: string[] = []
  const metrics = new Set<string>()
  const labels = new Set<string>()
  for (const [i, one] of tokens.entries()) {
    if (one === '(' && ['by', 'without', 'on', 'ignoring'].includes(tokens[i - 1] ?? '')) open.push('labels')
    else if (one === '(' || one === '{') open.push(one)
    else if (one === ')' && ![undefined, '{'].includes(open.at(-1))) open.pop()
    else if (one === '}' && open.at(-1) === '{') open.pop()
    else if (one === ')' || one === '}') throw new Error(`${one} closes nothing`)
    else if (/^[a-zA-Z_:]/.test(one) && ['labels', '{'].includes(open.at(-1) ?? '')) labels.add(one)
    else if (/^[a-zA-Z_:]/.test(one) && !words.has(one)) {
      if (tokens[i + 1] !== '(' && !['by', 'without'].includes(tokens[i + 1] ?? '')) metrics.add(one)
      else if (!functions.has(one)) throw new Error(`there is no function ${one}`)
    }
  }
  if (open.length > 0) throw new Error(`${open.at(-1)} is not closed`)
  return { metrics, labels }
}

let folder: ReturnType<typeof temporaryFolder>
let running: ShiplogProcess | undefined
let metrics: string
beforeAll(async () => {
  folder = temporaryFolder('prometheus')
  mkdirSync(join(folder.path, 'logs/shop/shop-0'), { recursive: true })
  writeFileSync(
    join(folder.path, 'logs/shop/shop-0/a.log'),
    '2026-11-24 10:00:00 INFO one\n2026-11-24 10:00:01 INFO two\n',
  )
  const args = ['--root', join(folder.path, 'logs'), '--data', join(folder.path, 'data'), '--retention-days', '0']
  running = await startShiplog([...args, '--line-idle-ms', '50'])
  const { url } = running
  await waitFor(async () => (await count(url)) === 2, 20_000)
  await fetch(`${url}/api/v1/search?nosuch=1`)
  const policy = { name: 'quiet', cluster: 'default', query: '', windowMs: 60_000, condition: { kind: 'no-lines' } }
  const headers = { 'x-shiplog-request': '1', 'content-type': 'application/json' }
  const made = await fetch(`${url}/api/v1/alerts`, { method: 'POST', headers, body: JSON.stringify(policy) })
  expect(made.status, await made.text()).toBe(200)
  await waitFor(async () => {
    metrics = await (await fetch(`${url}/metrics`)).text()
    return metrics.includes('shiplog_alerts{')
  }, 20_000)
}, 60_000)
afterAll(async () => {
  await running?.stop()
  folder.cleanUp()
})

describe('the expressions', () => {
  test.each(expressions)('%s', (_, expression) => {
    const { metrics: named, labels } = readExpression(expression)
    expect(named.size).toBeGreaterThan(0)
    for (const name of named) {
      // Prometheus makes it itself.
      if (name === 'up') continue
      const family = name.replace(/_(bucket|count|sum)$/, '')
      const type = new RegExp(`^# TYPE (?:${name}|${family}) (\\w+)$`, 'm').exec(metrics)?.[1]
      expect(type, name).toBeDefined()
      if (name !== family) expect(type, name).toBe('histogram')
      if (name.endsWith('_total')) expect(type, name).toBe('counter')
      // A rate of what goes up and down means nothing.
      if (new RegExp(`(rate|increase)\\(${name}`).test(expression)) expect(type, name).not.toBe('gauge')
    }
    // Of the target, or of a metric as a process writes it.
    for (const label of labels) {
      if (!['job', 'instance'].includes(label))
        expect(metrics, label).toMatch(new RegExp(`^shiplog_\\w+\\{[^}]*${label}="`, 'm'))
    }
  })

  test.each(['sum(rate(a[5m])', 'rate(a[5 m])', 'a}', 'summ(a)', 'a > §'])('%s is none', (expression) => {
    expect(() => readExpression(expression)).toThrow()
  })
})

test('problems are counted by their code', () => {
  expect(metrics).toContain('shiplog_problems_total{code="QUERY_INVALID"} 1')
})

describe('the rules', () => {
  test('have names of their own, say what to do, and wait for whole times', () => {
    expect(new Set(rules.map(({ alert }) => alert)).size).toBe(rules.length)
    for (const rule of rules) {
      expect(rule.alert).toMatch(/^Shiplog[A-Z]\w+$/)
      expect(rule.for ?? '1m', rule.alert).toMatch(/^\d+[smh]$/)
      expect(['critical', 'warning']).toContain(rule.labels.severity)
      expect([rule.annotations.summary, rule.annotations.action].every((text) => text.length > 5)).toBe(true)
    }
  })

  test('are those that prometheus.yml names', () => {
    const scrape = parse(readFileSync(join(examples, 'prometheus/prometheus.yml'), 'utf8')) as {
      rule_files: string[]
      scrape_configs: { job_name: string }[]
    }
    expect([scrape.rule_files, scrape.scrape_configs[0]?.job_name]).toEqual([['shiplog.rules.yml'], 'shiplog'])
  })
})

test('the panels of the dashboard do not lie on each other, and use variables that it has', () => {
  const { panels, templating } = dashboard
  expect(new Set(panels.map(({ id }) => id)).size).toBe(panels.length)
  const places = panels.map(({ gridPos: { x, y } }) => `${x}/${y}`)
  expect(new Set(places).size).toBe(panels.length)
  for (const { gridPos } of panels) expect(gridPos.x + gridPos.w).toBeLessThanOrEqual(24)
  const known = new Set([...templating.list.map(({ name }) => name), '__rate_interval'])
  const used = JSON.stringify(panels).matchAll(/\$\{?(\w+)/g)
  for (const [, name = ''] of used) expect(known, name).toContain(name)
})
