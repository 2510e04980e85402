/** Settings of single files: what is taken, what is refused and how, which paths a glob matches, what a reload takes. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, test } from 'vitest'
import { parseCommandLine, readConfig } from '../../pipeline/config.ts'
import { ShiplogError } from '../../pipeline/errors.ts'
import { globMatcher, readGlob, readPathSettings } from '../../pipeline/path-settings.ts'
import { reloaded } from '../../pipeline/reload.ts'
import { createPathRules } from '../../shipper/path-rules.ts'

const folder = mkdtempSync(join(tmpdir(), 'shiplog-paths-'))
afterAll(() => rmSync(folder, { recursive: true }))

function read(args: string[] = [], environment: Record<string, string> = {}) {
  return readConfig(parseCommandLine(args), environment)
}

function written(yaml: string): string[] {
  const file = join(folder, 'a.yaml')
  writeFileSync(file, yaml)
  return ['--config', file]
}

describe('globs', () => {
  test.each<[string, string, boolean]>([
    ['*.log', 'a/b/c.log', true],
    ['*.log', 'a/b/c.log.1', false],
    ['a/*/c.log', 'a/b/c.log', true],
    ['a/*/c.log', 'a/b/b/c.log', false],
    ['a/**', 'a/b/b/.hidden', true],
    ['**/debug/**', 'a/b/debug/c.log', true],
    ['**/debug/**', 'debug/c.log', true],
    ['a/', 'a/b/c.log', true],
    ['{a,b}/*/x.{out,log}', 'b/1/x.out', true],
    ['app-[0-9].log', 'a/app-7.log', true],
    ['*订单*', 'shop/0/订单.log', true],
    ['.*.sw[a-p]', 'a/.b.log.swp', true],
    ['*.LOG', 'a/b.log', false],
    ['!(debug).log', 'a/debug.log', false],
    ['!(debug).log', 'a/info.log', true],
  ])('%s of %s: %s', (glob, path, matches) => {
    expect(globMatcher([glob])(path)).toBe(matches)
  })

  test.each(['', '/var/log/*', './a', '!a.log', 'a/[b', '{a,b', 7])('%j is refused', (glob) => {
    expect(() => readGlob(glob)).toThrow()
  })

  test('flags, variables and lists of the file are the same', () => {
    const expected = ['*.log', 'a, b/{c,d}/**']
    expect(read(['--include', '*.log', '--include=a, b/{c,d}/**']).include).toEqual(expected)
    expect(read([], { SHIPLOG_INCLUDE: '*.log\na, b/{c,d}/**' }).include).toEqual(expected)
    expect(read(written('include: ["*.log", "a, b/{c,d}/**"]')).include).toEqual(expected)
    expect(read(written('include: "*.log"')).include).toEqual(['*.log'])
    expect(read(written('exclude: []')).exclude).toEqual([])
    expect(read(written('exclude:')).exclude).toEqual([])
  })
})

describe('what is refused', () => {
  test.each<[string, RegExp]>([
    ['paths: x', /paths in .*a\.yaml is not right, expected a list of entries/],
    ['paths: [x]', /keys and values \(entry 1\)/],
    ['paths: [{encoding: gbk}]', /a glob such as/],
    ['paths: [{match: a.log}, {match: b, encodng: gbk}]', /did you mean encoding\? \(entry 2\)/],
    ['paths: [{match: a.log, encoding: gbk18030}]', /did you mean gb18030\?/],
    ['paths: [{match: a.log, multiline: dokcer}]', /did you mean docker\?/],
    ['paths: [{match: a.log, timezone: Mars}]', /IANA/],
    ['paths: [{match: a.log, layout: 3}]', /a text for layout/],
    ['paths: [{match: a.log, include: yes please}]', /true or false for include/],
    ['paths: [{match: a.log, include: true, exclude: true}]', /either include or exclude/],
    ['paths: [{match: ["a.log", "/x"]}]', /relative to the root/],
    ['include: [{a: 1}]', /no single value/],
    ['include: ["a/[b"]', /include in .* is “a\/\[b”/],
    ['exclde: ["a"]', /exclde/],
  ])('%s', (yaml, message) => {
    expect(() => read(written(yaml))).toThrow(ShiplogError)
    expect(() => read(written(yaml))).toThrow(message)
  })

  test('a layout that cannot be used', () => {
    const config = read(written('paths: [{match: a.log, layout: "{ap}"}]'))
    expect(() => createPathRules(config)).toThrow(/\{ap\} is not known/)
  })
})

test('the last entry that says something says it', () => {
  const rules = createPathRules(
    read(
      written(`
        exclude: ['*.tmp']
        paths:
          - {match: 'a/**', encoding: gbk, multiline: java, timezone: Asia/Shanghai, layout: '{cluster}/{app}'}
          - {match: 'a/b/**', encoding: auto, multiline: off}
          - {match: 'a/b/keep.tmp', include: true}
          - {match: '*.old', exclude: true}`),
    ),
  )
  expect(rules('a/x.log').settings).toMatchObject({ encoding: 'gb18030', multiline: 'java', timezone: 'Asia/Shanghai' })
  expect(rules('a/b/x.log').settings).toMatchObject({ multiline: 'off', timezone: 'Asia/Shanghai' })
  expect(rules('a/b/x.log').settings.encoding).toBeUndefined()
  expect(rules('a/b/x.log').place('a/b/x.log').source).toMatchObject({ cluster: 'a', app: 'b' })
  expect(['b/x.tmp', 'a/b/keep.tmp', 'a/x.old', 'a/x.log'].map((path) => rules(path).included)).toEqual([
    false,
    true,
    false,
    true,
  ])
})

test('a reload takes what may change and names what waits', () => {
  const started = read()
  const next = read(['--include', 'a/**', '--log-level', 'debug', '--retention-days', '3'])
  const first = reloaded(started, started, next)
  expect(first.changed).toEqual(['include', 'log-level'])
  expect(first.waiting).toEqual(['retention-days'])
  expect(first.config).toMatchObject({ include: ['a/**'], logLevel: 'debug', retentionDays: started.retentionDays })
  const again = reloaded(started, first.config, next)
  expect(again).toMatchObject({ changed: [], waiting: ['retention-days'] })
  expect(reloaded(started, first.config, started)).toMatchObject({ changed: ['include', 'log-level'], waiting: [] })
})

test('the example of the documentation is right, and so is what is said of it', () => {
  const page = readFileSync(join(import.meta.dirname, '../../docs/settings.md'), 'utf8')
  const [, yaml] = /```yaml\n([\s\S]*?)```/.exec(page) as RegExpExecArray
  const config = read(written(yaml as string))
  const rules = createPathRules(config)
  const erp = rules('order-service/order-service-0/logs/erp/old/erp.log')
  expect(erp.settings).toMatchObject({ encoding: 'gb18030', timezone: 'UTC' })
  const docker = rules('docker/4f2e/4f2e-json.log')
  expect(docker.settings).toMatchObject({ multiline: 'docker', timezone: 'Asia/Shanghai' })
  expect(docker.place('docker/4f2e/4f2e-json.log').source).toMatchObject({ app: 'docker', instance: '4f2e', dir: '/' })
  expect(rules('a/b/audit-1.log').settings.multiline).toBe('off')
  const shipped = ['a/b/x.tmp', 'a/b/heapdumps/x/y.log', 'a/b/debug.log', 'billing/0/logs/debug.log', 'a/b/c.log']
  expect(shipped.map((path) => rules(path).included)).toEqual([false, false, false, true, true])
  for (const glob of read().exclude) expect(page).toContain(`\`${glob}\``)
  expect(readPathSettings(undefined)).toEqual([])
})
