import { Writable } from 'node:stream'
import { describe, expect, test } from 'vitest'
import { runSearch } from '../../pipeline/cli-search.ts'
import { lines, originOf } from '../query-api/memory-store.ts'
import { listen, type Served, serve } from '../query-api/serve.ts'
import { recordTerminal } from './cli-terminal.ts'

const messages = ['one timeout', 'two', 'three timeout\n\tat x', '\x1b]0;title\x07bell']
const served = () =>
  serve([...lines(messages), ...lines(['shop'], originOf({ app: 'shop', instance: 's' }), { level: 5 })])

async function search(one: Served, args: string[], terminal = recordTerminal()) {
  const server = one.api.server.listening ? (one.api.listeningOrigin ?? '') : await listen(one)
  const code = await runSearch(['--cluster', 'prod', '--server', server, ...args], terminal)
  return { code, out: terminal.out(), errors: terminal.errors() }
}

describe('shiplog search', () => {
  test('prints time host : message, newest first', async () => {
    expect(await search(await served(), ['timeout'])).toEqual({
      code: 0,
      out: '2016-05-16T12:47:10.002000Z 10.3.11.18 : three timeout\n\tat x\n2016-05-16T12:47:10.000000Z 10.3.11.18 : one timeout\n',
      errors: '',
    })
  })

  test('all words are the query; -- ends the flags', async () => {
    expect((await search(await served(), ['one', 'timeout'])).out).toContain('one timeout')
    expect((await search(await served(), ['--', '-timeout', 'two'])).out).toBe(
      '2016-05-16T12:47:10.001000Z 10.3.11.18 : two\n',
    )
  })

  test('flags that repeat are any of the values', async () => {
    const one = await search(await served(), ['--app', 'shop'])
    expect(one.out.split('\n')).toHaveLength(2)
    const both = await search(await served(), ['--app', 'shop', '--app=2048', '--host', '10.3.11.18', '--order', 'asc'])
    expect(both.out).toContain('shop')
    expect(both.out).toContain('two')
    expect((await search(await served(), ['--level', 'error'])).out).toContain('shop')
  })

  test('more than a page comes in pages', async () => {
    const many = await serve(lines(Array.from({ length: 2500 }, (_, i) => `line ${i}`)))
    const { out } = await search(many, ['--limit', '2100', '--order', 'asc'])
    const found = out.split('\n').slice(0, -1)
    expect(found).toHaveLength(2100)
    expect(found.at(-1)).toContain('line 2099')
  })

  test('--json prints records', async () => {
    const { out } = await search(await served(), ['--json', 'two'])
    expect(JSON.parse(out)).toMatchObject({ v: 1, message: 'two', app: '2048' })
  })

  test('a terminal gets colours, and no control characters of the log', async () => {
    const { out } = await search(await served(), ['--from', 'now-2m'], recordTerminal({ tty: true }))
    expect(out).toContain('\x1b[36m10.3.11.18\x1b[0m')
    expect(out).toContain('\x1b[31mshop\x1b[0m')
    expect(out).toContain('␛]0;title␇bell')
    const plain = await search(await served(), ['two'], recordTerminal({ tty: true, environment: { NO_COLOR: '1' } }))
    expect(plain.out).not.toContain('\x1b')
  })

  test('-B, -A and -C give the lines around each, groups apart', async () => {
    const many = await serve(lines(Array.from({ length: 9 }, (_, i) => (i % 5 === 1 ? `hit ${i}` : `line ${i}`))))
    const shown = (out: string) => out.split('\n').map((line) => line.slice(39))
    const lined = async (...args: string[]) => shown((await search(many, ['hit', '--order', 'asc', ...args])).out)
    expect(await lined('-C', '1')).toEqual([
      '- line 0',
      ': hit 1',
      '- line 2',
      '',
      '- line 5',
      ': hit 6',
      '- line 7',
      '',
    ])
    expect(await lined('-A1')).toEqual([': hit 1', '- line 2', '', ': hit 6', '- line 7', ''])
    expect(await lined('-B', '1', '-C', '2')).toEqual(await lined('--context-before=1', '--context-after=2'))
    const json = await search(many, ['hit', '-B', '1', '--json', '--limit', '1'])
    expect(
      json.out
        .trimEnd()
        .split('\n')
        .map((line) => JSON.parse(line)),
    ).toMatchObject([
      { message: 'line 5', group: 1, hit: false },
      { message: 'hit 6', group: 1, hit: true },
    ])
    // A letter without a number is a word, and behind -- everything is.
    expect((await search(many, ['hit', '-A'])).code).toBe(0)
    expect(shown((await search(many, ['--', 'hit', '-C', '1'])).out)).toEqual([': hit 1', ''])
    expect((await search(many, ['-C', '90', 'hit', '--limit', '100'])).errors).toContain('/export')
    expect((await search(many, ['-C', '90', 'hit'])).code).toBe(0)
  })

  test('exit codes are those of grep', async () => {
    expect(await search(await served(), ['nowhere'])).toEqual({ code: 1, out: '', errors: '' })
    expect((await search(await served(), ['--limit', '0'])).code).toBe(2)
  })

  test('an error in the query shows its place', async () => {
    const { code, out, errors } = await search(await served(), ['one OR level:nosuch'])
    expect([code, out]).toEqual([2, ''])
    expect(errors).toMatch(/^shiplog: .+\n {2}one OR level:nosuch\n +\^+\n {2}.+\n$/)
  })

  test.each([
    [['--ap', 'x'], 'Did you mean'],
    [['--app'], 'Write --app VALUE'],
    [['--app', '--json'], 'Write --app VALUE'],
    [['--from', '--app', '2048', 'two'], 'Write --from VALUE'],
    [['--cluster', '--limit', '3'], 'Write --cluster VALUE'],
    [['--server', 'ftp://x'], 'Write http://host:port'],
    [['--from', 'yesterday'], 'now-15m'],
    [['--server', 'http://127.0.0.1:1'], 'Start shiplog up'],
  ])('%j says what to do', async (args, hint) => {
    const { code, errors } = await search(await served(), args)
    expect(code).toBe(2)
    expect(errors).toContain(hint)
  })

  test('asks where --listen is, unless --server says another place', async () => {
    const one = await served()
    const { host } = new URL(await listen(one))
    const terminal = recordTerminal({ environment: { SHIPLOG_LISTEN: host, SHIPLOG_CLUSTER: 'prod' } })
    expect(await runSearch(['two'], terminal)).toBe(0)
  })

  test('the place of an error is under it, also behind Chinese text', async () => {
    const query = '连接失败 （ＡＢ） level:nosuch'
    const { errors } = await search(await served(), [query])
    const [, shown, marks] = errors.split('\n')
    expect(shown).toBe(`  ${query}`)
    // Eight characters of two columns each and two spaces stand before the word, then six of its own.
    expect(marks).toBe(`  ${' '.repeat(8 + 1 + 8 + 1 + 6)}^^^^^^`)
  })

  test('a cluster that is not there is named, with those that are', async () => {
    const one = await served()
    const missed = await search(one, ['--cluster', 'prdo', 'two'])
    expect([missed.code, missed.errors]).toEqual([
      1,
      'shiplog: there is no cluster “prdo”\n  Did you mean --cluster prod?\n',
    ])
    const far = await search(one, ['--cluster', 'elsewhere', 'two'])
    expect(far.errors).toContain('Known: prod.')
    expect((await search(await serve([]), ['two'])).errors).toContain('Nothing has been indexed yet.')
  })

  test.each([['--help'], ['-h']])('%s', async (flag) => {
    const terminal = recordTerminal()
    expect(await runSearch([flag], terminal)).toBe(0)
    expect(terminal.out()).toContain('--server URL')
  })

  test('-h behind -- or beside words is a word that must not be there', async () => {
    expect((await search(await served(), ['--', '-h', 'two'])).out).toContain(': two')
    expect((await search(await served(), ['two', '-h'])).out).toContain(': two')
  })

  test('a reader that has enough is no failure', async () => {
    const stdout = new Writable({
      write: (_chunk, _encoding, done) => done(Object.assign(new Error('write EPIPE'), { code: 'EPIPE' })),
    })
    stdout.on('error', () => {})
    const { code, errors } = await search(await served(), ['two'], { ...recordTerminal(), stdout })
    expect([code, errors]).toEqual([0, ''])
  })
})
