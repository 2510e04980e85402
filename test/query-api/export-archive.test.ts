import { get, type IncomingMessage } from 'node:http'
import { describe, expect, test } from 'vitest'
import { encodeText } from '../../pipeline/encoding.ts'
import { ShiplogError } from '../../pipeline/errors.ts'
import { entryPath } from '../../query-api/file-name.ts'
import { firstTime, generationOf, lines, originOf } from './memory-store.ts'
import { listen, serve, until } from './serve.ts'
import { unzipped } from './unzipped.ts'

const path = '/api/v1/export?cluster=prod&format=zip'
const one = '&app=2048&instance=2048-5f9c'

const crlf = lines(['windows'], originOf({ dir: '/', file: 'crlf.log' }, generationOf(3)), {
  raw: Buffer.from('windows\r\n'),
  bytes: 9,
})
const chinese = encodeText('连接失败\n', 'gb18030') as Buffer
const gbk = lines(
  ['连接失败'],
  { ...originOf({ dir: '/erp/日志', file: '错误.log' }, generationOf(4)), encoding: 'gb18030' },
  { bytes: chinese.length },
)
const events = [
  ...lines(['first', 'second']),
  ...lines(['older'], originOf({ file: 'access.log' }, generationOf(1)), { time: firstTime - 1e6 }),
  ...lines(['newer incarnation'], originOf({ file: 'access.log' }, generationOf(2))),
  ...crlf,
  ...gbk,
  ...lines(['not asked for'], originOf({ instance: 'another' }, generationOf(5))),
]

describe('GET /export?format=zip', () => {
  test('has each file of the instance with its original bytes, incarnations behind each other', async () => {
    const { api } = await serve(events)
    const answer = await api.inject(`${path}${one}`)
    expect(answer.statusCode).toBe(200)
    expect(answer.headers['content-type']).toBe('application/zip')
    expect(answer.headers['content-disposition']).toContain('filename="prod-2048-2048-5f9c-19700101T000000Z.zip"')
    expect(answer.trailers).toEqual({ 'shiplog-records': '6', 'shiplog-next': 'end' })
    expect(Object.fromEntries([...(await unzipped(answer.rawPayload))])).toEqual({
      '2048-5f9c/nginx/access.log': Buffer.from('older\nnewer incarnation\n'),
      '2048-5f9c/nginx/error.log': Buffer.from('first\nsecond\n'),
      '2048-5f9c/crlf.log': Buffer.from('windows\r\n'),
      '2048-5f9c/erp/日志/错误.log': chinese,
    })
  })

  test('dir, file and range narrow it; nothing there is an archive without entries', async () => {
    const { api } = await serve(events)
    const names = async (more: string) =>
      [...(await unzipped((await api.inject(`${path}${one}${more}`)).rawPayload)).keys()].sort()
    expect(await names('&dir=/')).toEqual(['2048-5f9c/crlf.log'])
    expect(await names('&file=error.log&file=access.log')).toEqual([
      '2048-5f9c/nginx/access.log',
      '2048-5f9c/nginx/error.log',
    ])
    expect(await names('&from=2030-01-01')).toEqual([])
    const { rawPayload } = await api.inject(
      `${path}${one}&file=access.log&from=${new Date(firstTime / 1000).toISOString()}`,
    )
    expect(String((await unzipped(rawPayload)).get('2048-5f9c/nginx/access.log'))).toBe('newer incarnation\n')
  })

  test('two machines with an instance of one name are apart', async () => {
    const { api } = await serve([...lines(['a']), ...lines(['b'], originOf({ host: 'other' }, generationOf(1)))])
    expect([...(await unzipped((await api.inject(`${path}${one}`)).rawPayload)).keys()]).toEqual([
      '10.3.11.18/2048-5f9c/nginx/error.log',
      'other/2048-5f9c/nginx/error.log',
    ])
  })

  test.each([
    ['', 'one app, not 0'],
    ['&app=2048', 'one instance, not 0'],
    ['&app=2048&app=b&instance=c', 'one app, not 2'],
    [`${one}&q=x`, 'takes no q'],
    [`${one}&limit=5`, 'no limit'],
    [`${one}&contextBefore=5`, 'no raw, zip'],
  ])('%s is refused', async (more, detail) => {
    const { api } = await serve(events)
    const answer = await api.inject(`${path}${more}`)
    expect([answer.statusCode, answer.json().detail]).toEqual([400, expect.stringContaining(detail)])
  })

  test('a store that fails in between breaks the connection off: never an archive that looks whole', async () => {
    const served = await serve(events)
    served.store.before = ({ call, bounds }) => {
      if (call === 'scan' && bounds.signal !== undefined && served.store.scans.begun === 3)
        throw new ShiplogError('STORE_UNAVAILABLE', 'away')
    }
    const url = await listen(served)
    const ended = await new Promise<string>((resolve) => {
      get(`${url}${path}${one}`, (response: IncomingMessage) => {
        response.on('error', () => resolve('broken'))
        response.on('end', () => resolve(response.complete ? 'whole' : 'broken'))
        response.resume()
      }).once('error', () => resolve('broken'))
    })
    expect(ended).toBe('broken')
    await until(() => served.store.scans.begun === served.store.scans.ended)
    const { body } = await served.api.inject('/metrics')
    expect(body).toContain('shiplog_exports_broken_total{reason="store"} 1')
  })

  test('a client that goes away ends the scan', async () => {
    const served = await serve(
      lines(Array.from({ length: 5000 }, (_, i) => `${i} ${Math.random()} ${'x'.repeat(400)}`)),
    )
    const url = await listen(served)
    const request = get(`${url}${path}${one}`, (response) => response.once('data', () => request.destroy()))
    request.once('error', () => {})
    await until(() => served.store.scans.begun === 1 && served.store.scans.ended === 1)
  })
})

test('the path of an entry stays below its folder, on any system', () => {
  const taken = new Set<string>()
  expect(entryPath(['i', 'a', 'x.log'], taken)).toBe('i/a/x.log')
  expect(entryPath(['i', 'a', 'X.log'], taken)).toBe('i/a/X.log (2)')
  expect(entryPath(['..', '.', '', 'a/../b', 'c:\\d', '.hidden', 'dots. '], taken)).toBe(
    '__/_/a_.._b/c__d/.hidden/dots__',
  )
  expect(entryPath(['', ''], taken)).toBe('file')
})
