import { spawn } from 'node:child_process'
import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, onTestFinished, test } from 'vitest'
import { runExport } from '../../pipeline/cli-export.ts'
import { ShiplogError } from '../../pipeline/errors.ts'
import { lockExport } from '../../pipeline/export-lock.ts'
import { lines } from '../query-api/memory-store.ts'
import { listen, type Served, serve, until } from '../query-api/serve.ts'
import { recordTerminal } from './cli-terminal.ts'

const lockModule = new URL('../../pipeline/export-lock.ts', import.meta.url).href
const messages = Array.from({ length: 25 }, (_, i) => `line ${i}, "quoted"`)
const wholeTxt = messages.map((message) => `10.3.11.18 : ${message}\n`).join('')

function folder(): string {
  const path = mkdtempSync(join(tmpdir(), 'shiplog-export-'))
  onTestFinished(() => rmSync(path, { recursive: true }))
  return path
}

/** Runs the command with pages of 10 records; a connection that drops is the end of it unless the test says otherwise. */
async function run(served: Served, args: string[], terminal = recordTerminal()) {
  const server = served.api.server.listening ? (served.api.listeningOrigin ?? '') : await listen(served)
  const code = await runExport(['--cluster', 'prod', '--server', server, '--retry-seconds', '0', ...args], terminal, 10)
  return { code, out: terminal.out(), errors: terminal.errors() }
}

/** The manifest says of each chunk what the file really has there. */
function expectManifest(path: string, records: number): void {
  const manifest = JSON.parse(readFileSync(`${path}.manifest.json`, 'utf8'))
  const content = readFileSync(path)
  let at = 0
  let counted = 0
  for (const chunk of manifest.chunks) {
    const bytes = content.subarray(at, at + chunk.bytes)
    expect(chunk.sha256).toBe(createHash('sha256').update(bytes).digest('hex'))
    at += chunk.bytes
    counted += chunk.records
  }
  expect([at, counted, manifest.bytes, manifest.records]).toEqual([content.length, records, content.length, records])
}

/** The store fails at the n-th batch of 3 events, counted over all requests. */
function failAt(served: Served, n: number): void {
  let batches = 0
  served.store.before = ({ call }) => {
    if (call === 'scan' && ++batches === n) throw new ShiplogError('STORE_UNAVAILABLE', 'the disk is away')
  }
}

describe('shiplog export', () => {
  test('to stdout, oldest first', async () => {
    expect(await run(await serve(lines(messages)), [])).toEqual({ code: 0, out: wholeTxt, errors: '' })
    expect((await run(await serve(lines(messages)), ['--limit', '2', '7 OR 8 OR 9'])).out).toBe(
      '10.3.11.18 : line 7, "quoted"\n10.3.11.18 : line 8, "quoted"\n',
    )
  })

  test.each(['txt', 'csv', 'ndjson', 'raw'])('--out in pieces is the file in one piece: %s', async (format) => {
    const served = await serve(lines(messages))
    const file = [
      '--app',
      '2048',
      '--instance',
      '2048-5f9c',
      '--dir',
      '/nginx',
      '--file',
      'error.log',
      '--format',
      format,
    ]
    const inOne = await run(served, file)
    const dir = folder()
    const out = join(dir, 'logs')
    expect(await run(served, [...file, '--out', out])).toEqual({ code: 0, out: '', errors: '' })
    expect(readFileSync(out, 'utf8')).toBe(inOne.out)
    expect(readdirSync(dir)).toEqual(['logs', 'logs.manifest.json'])
  })

  test('a file that was there stays as it is until the new one is whole', async () => {
    const served = await serve(lines(messages))
    const out = join(folder(), 'logs.txt')
    writeFileSync(out, 'of before')
    failAt(served, 6)
    const broken = await run(served, ['--out', out])
    expect(broken.code).toBe(1)
    expect(broken.errors).toContain('--resume: 10 records are in')
    expect(readFileSync(out, 'utf8')).toBe('of before')
    served.store.before = () => {}
    expect((await run(served, ['--out', out])).code).toBe(0)
    expect(readFileSync(out, 'utf8')).toBe(wholeTxt)
  })

  test.each(Array.from({ length: 10 }, (_, i) => i + 1))('--resume goes on where batch %d failed', async (n) => {
    const served = await serve(lines(messages))
    const dir = folder()
    const out = join(dir, 'logs.csv')
    const args = ['--out', out, '--format', 'csv', '--resume']
    failAt(served, n)
    const { code } = await run(served, args)
    expect([code, existsSync(out)]).toEqual([1, false])
    served.store.before = () => {}
    const scans = served.store.scans.batches
    expect((await run(served, args)).code).toBe(0)
    // What was there already was not asked for again.
    expect(served.store.scans.batches - scans).toBeLessThanOrEqual(n <= 4 ? 12 : n <= 8 ? 8 : 4)
    expect(readFileSync(out, 'utf8')).toBe((await run(served, ['--format', 'csv'])).out)
    expect(readdirSync(dir)).toEqual(['logs.csv', 'logs.csv.manifest.json'])
    expectManifest(out, 25)
  })

  test.each(Array.from({ length: 9 }, (_, i) => i + 1))(
    'a connection that drops at batch %d is asked again by itself',
    async (n) => {
      const served = await serve(lines(messages))
      const out = join(folder(), 'logs.ndjson')
      await listen(served)
      const whole = (await run(served, ['--format', 'ndjson'])).out
      // A page is sent when it is whole, so the first failure of all is one of a server that was never reached.
      failAt(served, n)
      const { code, errors } = await run(served, ['--out', out, '--format', 'ndjson', '--retry-seconds', '10'])
      if (n <= 4) {
        expect([code, existsSync(out)]).toEqual([1, false])
        return
      }
      expect([code, errors.match(/asking again/g)?.length]).toEqual([0, 1])
      expect(readFileSync(out, 'utf8')).toBe(whole)
      expectManifest(out, 25)
    },
  )

  test('what fails again and again at the same place is given up in time, and can be gone on with', async () => {
    const served = await serve(lines(messages))
    const out = join(folder(), 'logs.txt')
    let batches = 0
    served.store.before = ({ call }) => {
      if (call === 'scan' && ++batches > 5) throw new ShiplogError('STORE_UNAVAILABLE', 'the disk is away')
    }
    const started = performance.now()
    const { code, errors } = await run(served, ['--out', out, '--retry-seconds', '1'])
    expect([code, errors.match(/asking again/g)?.length]).toEqual([1, 1])
    expect(errors).toContain('--resume: 10 records are in')
    expect(performance.now() - started).toBeLessThan(5000)
    expect(batches).toBeGreaterThan(6)
  })

  test('lines around hits, and zip, come in one piece, with a manifest of one chunk', async () => {
    const served = await serve(lines(messages))
    const out = join(folder(), 'logs.txt')
    expect((await run(served, ['--out', out, '-C', '1', '"line 12"'])).code).toBe(0)
    const [before, hit, after] = [11, 12, 13].map((n) => messages[n])
    expect(readFileSync(out, 'utf8')).toBe(`10.3.11.18 - ${before}\n10.3.11.18 : ${hit}\n10.3.11.18 - ${after}\n`)
    expectManifest(out, 1)
    const zip = join(folder(), 'logs.zip')
    const one = ['--app', '2048', '--instance', '2048-5f9c', '--format', 'zip']
    expect((await run(served, ['--out', zip, ...one])).code).toBe(0)
    expect(readFileSync(zip).subarray(0, 4)).toEqual(Buffer.from('PK\u0003\u0004'))
    expectManifest(zip, 25)
  })

  test('what a crash left behind the remembered place is written again', async () => {
    const served = await serve(lines(messages))
    const out = join(folder(), 'logs.txt')
    failAt(served, 6)
    await run(served, ['--out', out])
    writeFileSync(`${out}.part`, 'half a li', { flag: 'a' })
    served.store.before = () => {}
    expect((await run(served, ['--out', out, '--resume'])).code).toBe(0)
    expect(readFileSync(out, 'utf8')).toBe(wholeTxt)
  })

  test.each([
    ['another query', (out: string) => ['--out', out, '--resume', 'x'], undefined, 'another export'],
    ['a part that was cut', (out: string) => ['--out', out, '--resume'], { part: 'x' }, 'shorter than'],
    ['a place that is no JSON', (out: string) => ['--out', out, '--resume'], { 'part.json': '{' }, 'cannot be read'],
  ])('--resume refuses %s', async (_, args, damage, expected) => {
    const served = await serve(lines(messages))
    const out = join(folder(), 'logs.txt')
    failAt(served, 6)
    await run(served, ['--out', out])
    for (const [end, content] of Object.entries(damage ?? {})) writeFileSync(`${out}.${end}`, content)
    served.store.before = () => {}
    const { code, errors } = await run(served, args(out))
    expect(code).toBeGreaterThan(0)
    expect(errors).toContain(expected)
    expect(errors).toContain('without --resume')
  })

  test('--limit holds over pages', async () => {
    const out = join(folder(), 'logs.txt')
    await run(await serve(lines(messages)), ['--out', out, '--limit', '17'])
    expect(readFileSync(out, 'utf8').split('\n')).toHaveLength(18)
  })

  test('nothing found is an empty file', async () => {
    const out = join(folder(), 'logs.txt')
    expect((await run(await serve(lines(messages)), ['--out', out, 'nowhere'])).code).toBe(0)
    expect(readFileSync(out, 'utf8')).toBe('')
  })

  test('an old file is exported whole as raw; where nothing was found the range is said', async () => {
    const served = await serve(lines(messages), { now: () => Date.UTC(2026, 0) })
    const one = ['--app', '2048', '--instance', '2048-5f9c', '--dir', '/nginx', '--file', 'error.log']
    const old = await run(served, [...one, '--format', 'raw'])
    expect(old).toEqual({ code: 0, out: messages.map((message) => `${message}\n`).join(''), errors: '' })
    expect((await run(served, [...one])).errors).toBe(
      'shiplog: nothing was found from now-1d (give another --from) to the end\n',
    )
    const out = join(folder(), 'logs.txt')
    const { code, errors } = await run(served, ['--from', '2020-01-01', '--to', '2021-01-01', '--out', out])
    expect([code, errors]).toEqual([0, 'shiplog: nothing was found from 2020-01-01 to 2021-01-01\n'])
  })

  test('--resume behind a crash between the last two steps is done', async () => {
    const served = await serve(lines(messages))
    const dir = folder()
    const out = join(dir, 'logs.txt')
    failAt(served, 6)
    await run(served, ['--out', out])
    const place = JSON.parse(readFileSync(`${out}.part.json`, 'utf8'))
    served.store.before = () => {}
    await run(served, ['--out', out, '--resume'])
    // As the rename leaves it: FILE is whole, its part is gone, its place still says where it ended.
    const bytes = Buffer.byteLength(wholeTxt)
    writeFileSync(`${out}.part.json`, JSON.stringify({ ...place, bytes, records: 25, cursor: 'end' }))
    const batches = served.store.scans.batches
    expect(await run(served, ['--out', out, '--resume'])).toEqual({ code: 0, out: '', errors: '' })
    expect(readFileSync(out, 'utf8')).toBe(wholeTxt)
    expect(served.store.scans.batches).toBe(batches)
    expect(readdirSync(dir)).toEqual(['logs.txt', 'logs.txt.manifest.json'])
  })

  test('two exports to one file at a time: the second is refused, and both may come after the first', async () => {
    const served = await serve(lines(messages))
    const dir = folder()
    const out = join(dir, 'logs.txt')
    let goOn = (): void => {}
    let asked = 0
    served.store.before = () => (++asked === 1 ? new Promise<void>((resolve) => (goOn = resolve)) : undefined)
    const first = run(served, ['--out', out])
    await until(() => asked === 1)
    for (const args of [
      ['--out', out],
      ['--out', out, '--resume'],
    ]) {
      const second = await run(served, args)
      expect([second.code, second.errors]).toEqual([1, expect.stringContaining('another export is writing')])
    }
    goOn()
    expect((await first).code).toBe(0)
    expect(readFileSync(out, 'utf8')).toBe(wholeTxt)
    expect((await run(served, ['--out', out])).code).toBe(0)
    expect(readdirSync(dir)).toEqual(['logs.txt', 'logs.txt.manifest.json'])
  })

  test('the lock of an export that was killed holds nobody up', async () => {
    const dir = folder()
    const path = join(dir, 'x.part.lock')
    const holder = spawn(process.execPath, [
      '--input-type=module',
      '--eval',
      `import { lockExport } from ${JSON.stringify(lockModule)}
       // Kept: a lock that nobody can give back any more is garbage, and with it the file that holds it.
       globalThis.release = lockExport(process.argv[1], 'x'); console.log('held'); setInterval(() => {}, 1000)`,
      path,
    ])
    await once(holder.stdout, 'data')
    expect(() => lockExport(path, 'x')).toThrow('another export is writing x')
    holder.kill('SIGKILL')
    await once(holder, 'exit')
    lockExport(path, 'x')()
    expect(readdirSync(dir)).toEqual([])
  })

  test('progress is for terminals', async () => {
    const out = join(folder(), 'logs.txt')
    const { errors } = await run(await serve(lines(messages)), ['--out', out], recordTerminal({ tty: true }))
    expect(errors).toMatch(/logs\.txt: 25 records {2}0\.0 MB {2}\d+\.\d MB\/s\n$/)
  })

  test.each<[string[], number, string]>([
    [['--format', 'xml'], 2, 'txt, ndjson, csv, raw'],
    [['--format', 'raw'], 2, 'Give one app'],
    [['--resume'], 2, '--out FILE'],
    [['--out', '--resume'], 2, '--out needs a value'],
    [['--limit', 'all'], 2, 'whole number'],
    [['--outt', 'x'], 2, 'Did you mean out?'],
    [['--out', '/nonexistent/folder/x'], 1, 'can be written'],
    [['--server', 'http://127.0.0.1:1'], 1, 'Start shiplog up'],
  ])('%j', async (args, code, message) => {
    const result = await run(await serve(lines(messages)), args)
    expect(result.code).toBe(code)
    expect(result.errors).toContain(message)
  })

  test('a server that is not Shiplog, and one that drops trailers', async () => {
    let status = 200
    const other = createServer((_request, response) => response.writeHead(status).end('hello'))
    await new Promise<void>((resolve) => other.listen(0, '127.0.0.1', resolve))
    onTestFinished(() => void other.close())
    const { port } = other.address() as { port: number }
    const ask = async (...more: string[]) => {
      const terminal = recordTerminal()
      return [await runExport(['--server', `http://127.0.0.1:${port}`, ...more], terminal), terminal.errors()]
    }
    expect(await ask('--out', join(folder(), 'x'))).toEqual([1, expect.stringContaining('drops HTTP trailers')])
    status = 502
    expect(await ask()).toEqual([1, expect.stringContaining('Is --server the address of shiplog up?')])
  })
})
