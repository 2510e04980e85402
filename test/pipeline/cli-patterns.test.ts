import { describe, expect, test } from 'vitest'
import { runPatterns } from '../../pipeline/cli-patterns.ts'
import type { Terminal } from '../../pipeline/cli-query.ts'
import { runValues } from '../../pipeline/cli-values.ts'
import { firstTime, generationOf, lines, originOf } from '../query-api/memory-store.ts'
import { listen, serve } from '../query-api/serve.ts'
import { recordTerminal } from './cli-terminal.ts'

async function ask(
  command: (args: readonly string[], terminal: Terminal) => Promise<number>,
  args: string[],
  terminal = recordTerminal(),
) {
  const served = await serve([
    ...lines(['order 1 paid status=200 user=li', 'order 22 paid status=500 user=li', 'boot']),
    ...lines(['no disk \x1b]0;x\x07'], originOf({ app: 'shop' }, generationOf(1)), { level: 5 }),
    ...lines(['old 1'], originOf({}, generationOf(2)), { time: firstTime - 3_600_000_000 }),
  ])
  const code = await command(['--cluster', 'prod', '--server', await listen(served), ...args], terminal)
  return { code, out: terminal.out(), errors: terminal.errors() }
}

describe('shiplog patterns', () => {
  test('prints count, share, level and shape, most frequent first', async () => {
    expect(await ask(runPatterns, ['--from', 'now-10m'])).toEqual({
      code: 0,
      out: [
        '        2  50.0% info  order <num> paid status=<num> user=li\n',
        '        1  25.0% info  boot\n',
        '        1  25.0% error no disk \x1b]<num>;x\x07\n',
      ].join(''),
      errors: '',
    })
  })

  test('compares, says what counts are made from, and gives JSON', async () => {
    const { out } = await ask(runPatterns, ['--from', 'now-10m', '--compare'])
    expect(out).toContain('+         2  50.0% info  order')
    expect(out).not.toContain('old <num>')
    const wide = await ask(runPatterns, ['--from', 'now-45m', '--compare'])
    expect(wide.out).toContain('-         1 100.0% info  old <num>\n')
    const json = await ask(runPatterns, ['--json', '--limit', '1', 'paid'])
    expect(JSON.parse(json.out)).toMatchObject({ pattern: 'order <num> paid status=<num> user=li', count: 2 })
    expect((await ask(runPatterns, ['--limit', '1'])).errors).toBe(
      'shiplog: 5 lines; 3 more patterns with a higher --limit\n',
    )
  })

  test('a terminal gets colours and no control characters', async () => {
    const { out } = await ask(runPatterns, ['disk'], recordTerminal({ tty: true }))
    expect(out).toContain('\x1b[31merror\x1b[0m')
    expect(out).toContain('␛]<num>;x␇')
  })

  test.each<[string[], number, string]>([
    [['nowhere'], 1, ''],
    [['"'], 2, '^'],
    [['--sample', '1'], 2, 'sample'],
    [['--smaple', '1'], 2, 'Did you mean sample'],
    [['--order', 'asc'], 2, 'not known'],
  ])('%j ends as grep does', async (args, code, message) => {
    const { code: actual, errors } = await ask(runPatterns, args)
    expect([actual, errors]).toEqual([code, expect.stringContaining(message)])
  })
})

describe('shiplog values', () => {
  test('prints count and value, most frequent first', async () => {
    expect(await ask(runValues, ['app'])).toEqual({ code: 0, out: '        4 2048\n        1 shop\n', errors: '' })
    expect((await ask(runValues, ['.status'])).out).toBe('        1 200\n        1 500\n')
    expect((await ask(runValues, ['cluster'])).out).toBe('        5 prod\n')
    expect((await ask(runValues, ['fields.user', 'status', '-500'])).out).toBe('        1 li\n')
    expect((await ask(runValues, ['app', '--prefix', 'SH'])).out).toBe('        1 shop\n')
    expect(JSON.parse((await ask(runValues, ['level', '--level', 'error', '--json'])).out)).toEqual({
      value: 'error',
      count: 1,
      last: '2016-05-16T12:47:10.000000Z',
    })
  })

  test.each<[string[], number, string]>([
    [['app', 'nowhere'], 1, ''],
    [['apps'], 2, 'Did you mean app?'],
    [[], 2, 'needs a field'],
    [['app', '"'], 2, '^'],
  ])('%j ends as grep does', async (args, code, message) => {
    const { code: actual, errors } = await ask(runValues, args)
    expect([actual, errors]).toEqual([code, expect.stringContaining(message)])
  })
})
