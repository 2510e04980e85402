import { get, type IncomingMessage } from 'node:http'
import { gunzipSync } from 'node:zlib'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { decodeText, encodeText, encodings, needsRaw } from '../../pipeline/encoding.ts'
import { ShiplogError } from '../../pipeline/errors.ts'
import { recordsOf } from '../../pipeline/event-batch.ts'
import { createFormatWriter } from '../../query-api/export-formats.ts'
import { contentDisposition, exportFileName } from '../../query-api/file-name.ts'
import { batchOfEvents, firstTime, generationOf, lines, originOf, type StoredEvent } from './memory-store.ts'
import { listen, serve, until } from './serve.ts'

const path = '/api/v1/export?cluster=prod'
const oneFile = '&app=2048&instance=2048-5f9c&dir=/nginx&file=error.log'
const messages = ['first line', 'a "quoted", one', '连接失败\n\tat com.foo.Bar(Bar.java:7)', '', 'status=500 user=x']

/** RFC 4180, by the letter. */
function parseCsv(text: string): string[][] {
  const rows: string[][] = []
  let row: string[] = []
  for (let at = 0; at < text.length; ) {
    let cell = ''
    if (text[at] === '"') {
      for (at++; text[at] !== '"' || text[at + 1] === '"'; at++) {
        if (text[at] === '"') at++
        cell += text[at]
      }
      at++
    } else {
      for (; at < text.length && !',\r\n'.includes(text[at] as string); at++) cell += text[at]
    }
    row.push(cell)
    if (text[at] === ',') {
      at++
    } else {
      if (text.slice(at, at + 2) !== '\r\n') throw new Error(`no line end at ${at}: ${text.slice(at, at + 20)}`)
      at += 2
      rows.push(row)
      row = []
    }
  }
  return rows
}

describe('formats', () => {
  test('txt is host : message, oldest first, by default', async () => {
    const { api } = await serve(lines(messages))
    const answer = await api.inject(path)
    expect(answer.body).toBe(messages.map((message) => `10.3.11.18 : ${message}\n`).join(''))
    expect(answer.headers['content-type']).toBe('text/plain; charset=utf-8')
    expect(answer.headers['content-disposition']).toBe(
      `attachment; filename="prod-20160515T124810Z.txt"; filename*=UTF-8''prod-20160515T124810Z.txt`,
    )
    expect(answer.trailers).toEqual({ 'shiplog-records': '5', 'shiplog-next': 'end' })
  })

  test('ndjson is the whole records with fields', async () => {
    const events = lines(messages)
    const { api } = await serve(events)
    const answer = await api.inject(`${path}&format=ndjson&order=desc`)
    const records = answer.body
      .split('\n')
      .slice(0, -1)
      .map((line) => JSON.parse(line) as object)
    const expected = recordsOf(batchOfEvents(events.toReversed()))
    expect(records).toEqual(
      expected.map((record, i) => (i === 0 ? { ...record, fields: { status: ['500'], user: ['x'] } } : record)),
    )
  })

  test('csv has a header and can be read back', async () => {
    const { api } = await serve(lines(messages))
    const answer = await api.inject(`${path}&format=csv`)
    expect(answer.headers['content-type']).toBe('text/csv; charset=utf-8; header=present')
    const rows = parseCsv(answer.body)
    expect(rows[0]).toEqual(['time', 'cluster', 'app', 'instance', 'host', 'dir', 'file', 'level', 'message'])
    const source = ['prod', '2048', '2048-5f9c', '10.3.11.18', '/nginx', 'error.log']
    expect(rows[1]).toEqual(['2016-05-16T12:47:10.000000Z', ...source, 'info', 'first line'])
    expect(rows.slice(1).map((row) => row[8])).toEqual(messages)
  })

  test.each(['=1+1', '+1', '-1', '@x', '\tx', '＝1', '＠x'])('csv keeps %j from being run', async (message) => {
    const { api } = await serve(lines([message]))
    const cell = async (more: string) => parseCsv((await api.inject(`${path}&format=csv${more}`)).body)[1]?.[8]
    expect(await cell('')).toBe(`'${message}`)
    expect(await cell('&csvSafe=false')).toBe(message)
  })

  test('csv is read back for any message and source', () => {
    const anyText = fc.string({ unit: fc.constantFrom('a', '"', ',', '\r', '\n', ' ', '连', '=', "'") })
    const anyEvent = fc.record({ message: anyText, app: anyText, file: anyText })
    fc.assert(
      fc.property(fc.array(anyEvent, { maxLength: 5 }), fc.boolean(), (given, csvSafe) => {
        const writer = createFormatWriter('csv', { csvSafe })
        writer.begin()
        const guarded = (text: string) => (csvSafe && /^[=+\-@\t\r\n]/.test(text) ? `'${text}` : text)
        for (const { message, app, file } of given) {
          writer.append(batchOfEvents(lines([message], originOf({ app, file }))), 0)
        }
        const rows = parseCsv(writer.out.view().toString()).slice(1)
        expect(rows.map((row) => [row[8], row[2], row[6]])).toEqual(
          given.map(({ message, app, file }) => [guarded(message), guarded(app), guarded(file)]),
        )
      }),
    )
  })

  test('raw is the bytes of the file, through its incarnations', async () => {
    const crlf = Buffer.from([0xff, 0xfe, 0x0d, 0x0a])
    const older = lines(['one', 'two']).map((event, i) => (i === 1 ? { ...event, raw: crlf, bytes: 4 } : event))
    // Its clock went back: the order of the file counts.
    const newer = lines(['three', 'four'], originOf({}, generationOf(1)), { time: firstTime - 1e6 })
    const { api } = await serve([...newer, ...older, ...lines(['other'], originOf({ file: 'x.log' }, generationOf(2)))])
    const answer = await api.inject(`${path}${oneFile}&format=raw`)
    expect(answer.statusCode).toBe(200)
    expect(answer.rawPayload).toEqual(Buffer.concat([Buffer.from('one\n'), crlf, Buffer.from('three\nfour\n')]))
    expect(answer.headers['content-disposition']).toContain('filename="error.log"')
  })

  test('raw is the bytes of any file, whatever its encoding and line ends', async () => {
    const piece = fc.constantFrom('a', '连', '\n', '\r\n', ' ', 'é', '\r')
    const anyEvent = fc.oneof(
      fc
        .tuple(fc.array(piece, { maxLength: 8 }), fc.constantFrom('\n', '\r\n', ''), fc.constantFrom(...encodings))
        .map(([pieces, end, encoding]) => ({ encoding, bytes: encodeText(pieces.join('') + end, encoding) })),
      fc.uint8Array({ maxLength: 9 }).map((bytes) => ({ encoding: 'utf-8' as const, bytes: Buffer.from(bytes) })),
    )
    fc.assert(
      fc.property(fc.array(anyEvent, { maxLength: 6 }), (given) => {
        const writer = createFormatWriter('raw', { csvSafe: true })
        for (const { bytes, encoding } of given) {
          const text = decodeText(bytes, encoding)
            .replace(/\r?\n$/, '')
            .replaceAll('\r\n', '\n')
          const message = Buffer.from(text)
          const raw = needsRaw(message, bytes, encoding) ? { raw: bytes } : {}
          const [event] = lines([text], { ...originOf(), encoding }, { ...raw, bytes: bytes.length })
          writer.append(batchOfEvents([event as StoredEvent]), 0)
        }
        expect(writer.out.view()).toEqual(Buffer.concat(given.map(({ bytes }) => bytes)))
      }),
    )
  })

  test.each([
    ['no file', '&app=2048&instance=i&dir=/', 'one file, not 0'],
    ['two apps', `${oneFile}&app=x`, 'one app, not 2'],
    ['a query', `${oneFile}&q=x`, 'no q'],
    ['levels', `${oneFile}&level=warn`, 'no q'],
    ['newest first', `${oneFile}&order=desc`, 'no q'],
  ])('raw with %s is refused', async (_, more, detail) => {
    const { api } = await serve(lines(messages))
    const answer = await api.inject(`${path}&format=raw${more}`)
    expect(answer.statusCode).toBe(400)
    expect(answer.json().detail).toContain(detail)
  })
})

describe('parts', () => {
  test.each(['txt', 'csv', 'raw'])('%s: limit and cursor give the same bytes in pieces', async (format) => {
    const events = lines(Array.from({ length: 11 }, (_, i) => `line ${i}`))
    const { api } = await serve(events)
    const url = `${path}${oneFile}&format=${format}`
    const whole = (await api.inject(url)).body
    for (const limit of [1, 2, 3, 4, 11, 12]) {
      let pieces = ''
      let cursor = ''
      for (let part = 0; cursor !== 'end' && part < 20; part++) {
        const answer = await api.inject(`${url}&limit=${limit}${cursor === '' ? '' : `&cursor=${cursor}`}`)
        pieces += answer.body
        cursor = answer.trailers['shiplog-next'] ?? 'missing'
      }
      expect(pieces).toBe(whole)
    }
  })
})

/** Opens an export by hand, so that the test sets the pace. */
async function request(url: string, headers: Record<string, string> = {}): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => get(url, { headers, agent: false }, resolve).once('error', reject))
}

async function collect(response: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = []
  for await (const chunk of response) chunks.push(chunk as Buffer)
  return Buffer.concat(chunks)
}

function many(count: number): StoredEvent[] {
  return lines(Array.from({ length: count }, (_, i) => `line ${i} ${'x'.repeat(120)}`))
}

describe('streaming', () => {
  test('comes compressed when that is asked for', async () => {
    const served = await serve(many(2000))
    const url = `${await listen(served)}${path}`
    const [plain, gzip] = [await request(url), await request(url, { 'accept-encoding': 'br;q=1, gzip;q=0.5' })]
    expect(plain.headers['content-encoding']).toBe(undefined)
    expect(gzip.headers['content-encoding']).toBe('gzip')
    const bytes = await collect(gzip)
    expect(gunzipSync(bytes)).toEqual(await collect(plain))
    expect(gzip.trailers).toMatchObject({ 'shiplog-records': '2000' })
    const refused = await request(url, { 'accept-encoding': 'gzip;q=0, *' })
    expect(refused.headers['content-encoding']).toBe(undefined)
    await collect(refused)
  })

  test.each(['identity', 'gzip'])('a failure in its middle breaks the connection (%s)', async (encoding) => {
    const served = await serve(many(5000))
    served.store.batchEvents = 500
    served.store.before = ({ batch }) => {
      if (batch === 7) throw new ShiplogError('STORE_UNAVAILABLE', 'gone')
    }
    const response = await request(`${await listen(served)}${path}`, { 'accept-encoding': encoding })
    expect(response.statusCode).toBe(200)
    await expect(collect(response)).rejects.toThrow('aborted')
    expect(response.complete).toBe(false)
    expect(await served.parts.registry.getSingleMetricAsString('shiplog_exports_broken_total')).toContain(
      '{reason="store"} 1',
    )
  })

  test('a failure at its beginning is a problem', async () => {
    const { api, store } = await serve(many(10))
    store.before = () => {
      throw new ShiplogError('STORE_UNAVAILABLE', 'gone')
    }
    const answer = await api.inject(path)
    expect(answer.statusCode).toBe(503)
    expect(answer.json()).toMatchObject({ code: 'STORE_UNAVAILABLE', status: 503, detail: 'gone' })
    expect(answer.headers['content-disposition']).toBe(undefined)
  })

  test('a slow reader holds the store up, and nothing grows', async () => {
    const served = await serve(many(100))
    served.store.batchEvents = 100
    // The same 100 lines for ever: 15 KB a batch.
    served.store.scan = async function* (_query, bounds = {}) {
      const batch = batchOfEvents(served.store.events)
      for (;;) {
        bounds.signal?.throwIfAborted()
        served.store.scans.batches++
        yield batch
        await new Promise(setImmediate)
      }
    }
    const response = await request(`${await listen(served)}${path}`)
    response.pause()
    let before = -1
    // The sockets of the kernel fill up, then the scan stands still.
    await until(() => {
      const still = served.store.scans.batches > 0 && served.store.scans.batches === before
      before = served.store.scans.batches
      return still
    }, 50)
    const bytes = served.store.scans.batches * 15_000
    expect(bytes).toBeLessThan(64e6)
    response.destroy()
  })

  test.each(['identity', 'gzip'])(
    'a client that goes away ends the scan (%s)',
    async (encoding) => {
      const served = await serve(many(100))
      let waiting: AbortSignal | undefined
      served.store.before = async ({ batch, bounds }) => {
        if (batch < 3) return
        waiting = bounds.signal
        await new Promise((_, reject) => waiting?.addEventListener('abort', () => reject(waiting?.reason)))
      }
      const response = await request(`${await listen(served)}${path}`, { 'accept-encoding': encoding })
      await until(() => waiting !== undefined)
      response.destroy()
      await until(() => served.store.scans.ended === 1)
      expect(served.store.scans).toMatchObject({ begun: 1, aborted: 1 })
    },
    10_000,
  )

  test('a search that finds nothing for long sends its headers meanwhile', async () => {
    const served = await serve(many(3))
    let go: (() => void) | undefined
    served.store.before = ({ call }) => (call === 'scan' ? new Promise<void>((resolve) => (go = resolve)) : undefined)
    const response = await request(`${await listen(served)}${path}`)
    expect(response.statusCode).toBe(200)
    expect(response.headers['content-disposition']).toContain('attachment')
    go?.()
    expect((await collect(response)).toString()).toContain('line 2')
  })
})

describe('names of downloads', () => {
  test.each([
    [{ cluster: 'prod', app: ['2048'], file: ['error.log'] }, 'prod-2048-error.log-20160516T124710Z.txt'],
    [{ cluster: 'prod', app: ['a', 'b'] }, 'prod-20160516T124710Z.txt'],
    [{ cluster: 'prod', app: ['../../etc'] }, 'prod-.._.._etc-20160516T124710Z.txt'],
    [{ cluster: 'prod', app: ['日志\u202egnp'] }, 'prod-日志_gnp-20160516T124710Z.txt'],
  ])('%j', (about, expected) => {
    expect(exportFileName('txt', { ...about, from: firstTime })).toBe(expected)
  })

  test('no file name breaks the header', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (file) => {
        const name = exportFileName('raw', { cluster: 'c', file: [file], from: firstTime })
        const header = contentDisposition(name)
        expect(header).toMatch(
          /^attachment; filename="[\x20-\x21\x23-\x5b\x5d-\x7e]+"; filename\*=UTF-8''[\w!#$&+.^`|~%-]+$/,
        )
        expect(decodeURIComponent(header.slice(header.indexOf("''") + 2))).toBe(name)
        expect(name).not.toMatch(/[/\\]|^\./)
      }),
    )
  })
})
