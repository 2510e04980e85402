import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import { helpOfOptions, nearestOf, options, parseCommandLine, readConfig } from '../../pipeline/config.ts'
import { ShiplogError } from '../../pipeline/errors.ts'

const folder = mkdtempSync(join(tmpdir(), 'shiplog-config-'))
afterAll(() => rmSync(folder, { recursive: true }))

function read(args: string[], environment: Record<string, string> = {}) {
  return readConfig(parseCommandLine(args), environment)
}

function refusal(work: () => unknown): ShiplogError {
  try {
    work()
  } catch (error) {
    if (error instanceof ShiplogError) return error
    throw error
  }
  throw new Error('it was not refused')
}

test('a flag wins over the environment, that over the file, that over the default', () => {
  const file = join(folder, 'a.yaml')
  writeFileSync(file, 'retention-days: 7\ncluster: from-file\nrescanIntervalMs: 200\n')
  const config = read(['--retention-days=9', '--config', file], {
    SHIPLOG_RETENTION_DAYS: '8',
    SHIPLOG_CLUSTER: 'from-env',
  })
  expect(config).toMatchObject({
    retentionDays: 9,
    cluster: 'from-env',
    rescanIntervalMs: 200,
    host: options.host.default,
  })
})

test('a secret that cannot be used is refused without being shown', () => {
  const error = refusal(() => read([], { SHIPLOG_SMTP_URL: 'smtp:/ops:geheim@host' }))
  expect(error.message).toMatch(/SHIPLOG_SMTP_URL is not right, expected smtp:/)
  expect(`${error.message} ${error.hint}`).not.toContain('geheim')
  expect(read(['--smtp-url', 'smtps://ops:geheim@host']).smtpUrl).toBe('smtps://ops:geheim@host')
  expect(helpOfOptions()).not.toContain('geheim')
})

test('the store is in the data folder unless it is given', () => {
  expect(read(['--data', '/d']).store).toBe('file:/d/store')
  expect(read(['--store', 'http://es:9200']).store).toBe('http://es:9200')
})

test.each([
  [['--retention-day', '3'], /not known/, /retention-days/],
  [['--retention-days', 'many'], /--retention-days is “many”/, /days/],
  [['--retention-days', '-1'], /whole number from 0/, /days/],
  [['--cluster', 'Prod!'], /--cluster is/, /cluster/],
  [['--timezone', 'Mars/Base'], /IANA/, /zone/],
  [['--listen', '8080'], /--listen/, /address/],
  [['--root'], /needs a value/, /--root/],
  [['--demo=maybe'], /true or false/, /demo/],
])('%j is refused and the hint helps', (args, message, hint) => {
  const error = refusal(() => read(args))
  expect(error.code).toBe('CONFIG_INVALID')
  expect(error.message).toMatch(message)
  expect(error.hint).toMatch(hint)
})

test('unknown variables and keys are refused with the nearest right one', () => {
  expect(refusal(() => read([], { SHIPLOG_RETENTON_DAYS: '3' })).hint).toMatch('retention-days')
  const file = join(folder, 'b.yaml')
  writeFileSync(file, 'clutser: x\n')
  expect(refusal(() => read(['--config', file])).hint).toMatch('cluster')
  writeFileSync(file, ': : :\n -')
  expect(refusal(() => read(['--config', file])).message).toMatch(file)
  expect(refusal(() => read(['--config', join(folder, 'none.yaml')])).message).toMatch('none.yaml')
})

test('words and extra flags are kept apart', () => {
  const line = parseCommandLine(['time out', '--out', 'f', '--demo', '--', '--x'], { out: true })
  expect(line.words).toEqual(['time out', '--x'])
  expect(line.extra.get('out')).toBe('f')
  expect(line.written.get('demo')).toBe('true')
})

test('help names every option', () => {
  const help = helpOfOptions()
  for (const name of Object.keys(options)) {
    expect(help).toContain(`--${name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`)
  }
})

test('nearestOf does not guess wildly', () => {
  expect(nearestOf('serch', ['search', 'export'])).toBe('search')
  expect(nearestOf('zzzzzzzz', ['search', 'export'])).toBeUndefined()
})
