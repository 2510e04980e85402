import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { decodeText, type Encoding, encodeText, encodings, needsRaw, originalBytes } from '../../pipeline/encoding.ts'
import { detectEncoding, lineEncoding } from '../../shipper/encoding.ts'
import { readSample, type SampleFile, sampleFiles } from './samples.ts'

const chinese = '2026-11-23 05:13:28,123 INFO 订单已保存，库存不足\n2026-11-23 05:13:29,123 WARN 连接失败\n'

function gb(text: string): Buffer {
  return encodeText(text, 'gb18030')
}

describe('the head of a file', () => {
  test.each<[string, Buffer, Encoding, number, boolean]>([
    ['nothing', Buffer.alloc(0), 'utf-8', 0, false],
    ['ASCII', Buffer.from('2026-11-23 INFO x\n'), 'utf-8', 0, false],
    ['UTF-8', Buffer.from(chinese), 'utf-8', 0, true],
    ['UTF-8 with a mark', Buffer.from('\ufeffplain\n'), 'utf-8', 3, true],
    ['UTF-16LE with a mark', Buffer.from(`\ufeff${chinese}`, 'utf16le'), 'utf-16le', 2, true],
    ['UTF-16BE with a mark', encodeText(`\ufeff${chinese}`, 'utf-16be'), 'utf-16be', 2, true],
    ['GB18030 with a mark', gb(`\ufeff${chinese}`), 'gb18030', 4, true],
    ['UTF-16LE', encodeText(chinese, 'utf-16le'), 'utf-16le', 0, true],
    ['UTF-16BE', encodeText(chinese, 'utf-16be'), 'utf-16be', 0, true],
    ['UTF-16LE in ASCII', encodeText('INFO x\n', 'utf-16le'), 'utf-16le', 0, true],
    ['UTF-16LE with many 一', encodeText('INFO 一、一一 x\n', 'utf-16le'), 'utf-16le', 0, true],
    ['GB18030', gb(chinese), 'gb18030', 0, true],
    [
      'one line of GB18030 behind ASCII',
      Buffer.concat([Buffer.from('INFO x\n'.repeat(50)), gb('库存不足\n')]),
      'gb18030',
      0,
      true,
    ],
    ['UTF-8, cut in a character', Buffer.from(chinese).subarray(0, 40), 'utf-8', 0, true],
    ['GB18030, cut in a character', gb(`x${chinese}`).subarray(0, 36), 'gb18030', 0, true],
    [
      'UTF-8 behind the hole of a copytruncate',
      Buffer.concat([Buffer.alloc(3001), Buffer.from('INFO x\n')]),
      'utf-8',
      0,
      false,
    ],
    [
      'UTF-16LE behind such a hole',
      Buffer.concat([Buffer.alloc(3000), encodeText(chinese, 'utf-16le')]),
      'utf-16le',
      0,
      true,
    ],
    [
      'UTF-8 around such a hole',
      Buffer.concat([Buffer.from('INFO x\n'), Buffer.alloc(999), Buffer.from(chinese)]),
      'utf-8',
      0,
      true,
    ],
    ['bytes of a TLS greeting', Buffer.from('INFO "\x16\x03\x01\x02\xfc\x03\x03"\n', 'latin1'), 'utf-8', 0, false],
    ['Latin-1', Buffer.from('INFO caf\xe9 ouvert\n', 'latin1'), 'utf-8', 0, false],
    [
      'a stray line among UTF-8',
      Buffer.concat([Buffer.from(chinese), Buffer.from([0xfc, 0x03, 0x0a])]),
      'utf-8',
      0,
      true,
    ],
    ['a mixed file', Buffer.concat([gb(chinese), Buffer.from(chinese)]), 'utf-8', 0, true],
  ])('%s', (_, head, encoding, bomBytes, sure) => {
    expect(detectEncoding(head, true)).toEqual({ encoding, bomBytes, sure })
  })

  test('a mark counts at the beginning of the file only', () => {
    expect(detectEncoding(Buffer.from('\ufeffplain\n'), false)).toEqual({ encoding: 'utf-8', bomBytes: 0, sure: true })
  })

  test('what begins inside a character is still UTF-8', () => {
    expect(detectEncoding(Buffer.from('接失败\n').subarray(1), false)).toMatchObject({ encoding: 'utf-8' })
  })
})

describe('a line', () => {
  test.each<[string, Buffer, Encoding, Encoding]>([
    ['ASCII in UTF-8', Buffer.from('INFO x'), 'utf-8', 'utf-8'],
    ['ASCII in GB18030', Buffer.from('INFO x'), 'gb18030', 'gb18030'],
    ['UTF-8 in UTF-8', Buffer.from('连接失败'), 'utf-8', 'utf-8'],
    ['GBK in UTF-8', gb('INFO 连接失败'), 'utf-8', 'gb18030'],
    ['GBK in GB18030', gb('INFO 连接失败'), 'gb18030', 'gb18030'],
    ['UTF-8 in GB18030', Buffer.from('INFO 连接失败'), 'gb18030', 'utf-8'],
    // 模 is C4 A3 in GBK, which is also ģ in UTF-8.
    ['a short word of GBK in GB18030', gb('模'), 'gb18030', 'gb18030'],
    ['bytes of a TLS greeting', Buffer.from('"\x16\x03\x01\x02\xfc\x03\x03"', 'latin1'), 'utf-8', 'utf-8'],
    ['Latin-1', Buffer.from('caf\xe9 ouvert', 'latin1'), 'utf-8', 'utf-8'],
    ['a torn character', Buffer.from('连接').subarray(0, 5), 'utf-8', 'utf-8'],
    ['rare characters of GB18030', gb('设备 㐀𠮷 上报'), 'utf-8', 'gb18030'],
    ['UTF-16', encodeText('连接', 'utf-16le'), 'utf-16le', 'utf-16le'],
  ])('%s', (_, line, fileEncoding, expected) => {
    expect(lineEncoding(line, 0, line.length, fileEncoding)).toBe(expected)
  })

  test('bytes around the line do not count', () => {
    const bytes = Buffer.concat([Buffer.from([0xff, 0xff]), Buffer.from('连接'), Buffer.from([0xff])])
    expect(lineEncoding(bytes, 2, bytes.length - 1, 'utf-8')).toBe('utf-8')
  })
})

test('any head has an answer', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 200 }), fc.boolean(), (content, fromFileStart) => {
      expect(encodings).toContain(detectEncoding(Buffer.from(content), fromFileStart).encoding)
    }),
  )
})

describe('the samples have the encoding of their manifest', () => {
  test.each(sampleFiles.map((file) => [file.path, file] as const))('%s', (_, file) => {
    const content = readSample(file)
    expect(detectEncoding(content.subarray(0, 64 * 1024), true)).toMatchObject(expected(file))
  })
})

function expected(file: SampleFile): { encoding: Encoding; bomBytes: number } {
  if (file.encoding.startsWith('UTF-16LE')) {
    return { encoding: 'utf-16le', bomBytes: file.encoding.includes('with BOM') ? 2 : 0 }
  }
  if (file.encoding.startsWith('GB')) return { encoding: 'gb18030', bomBytes: 0 }
  return { encoding: 'utf-8', bomBytes: file.encoding.includes('with BOM') ? 3 : 0 }
}

test('every line of every sample decodes without loss or keeps its bytes; only TLS greetings have to', () => {
  const kept: string[] = []
  for (const file of sampleFiles) {
    const content = readSample(file)
    const { encoding: fileEncoding, bomBytes } = detectEncoding(content.subarray(0, 64 * 1024), true)
    if (fileEncoding.startsWith('utf-16')) continue
    for (let start = bomBytes; start < content.length; ) {
      const lineFeed = content.indexOf(0x0a, start)
      const next = lineFeed < 0 ? content.length : lineFeed + 1
      const end = lineFeed < 0 ? next : content[lineFeed - 1] === 0x0d ? lineFeed - 1 : lineFeed
      const original = content.subarray(start, next)
      const encoding = lineEncoding(content, start, end, fileEncoding)
      const message = Buffer.from(decodeText(content.subarray(start, end), encoding))
      const raw = needsRaw(message, original, encoding)
      if (raw) kept.push(file.path)
      expect(originalBytes({ message, bytes: original.length, encoding, raw: raw ? original : undefined })).toEqual(
        original,
      )
      start = next
    }
  }
  expect(new Set(kept)).toEqual(
    new Set(sampleFiles.filter((file) => file.encoding.includes('invalid bytes')).map((file) => file.path)),
  )
})

test('each line of the mixed file is read in the encoding of the program that wrote it', () => {
  const path = '../fixtures/samples/edge-cases/edge-cases-0/encodings/mixed-gbk-utf8.log'
  const content = readFileSync(join(import.meta.dirname, path))
  for (let start = 0; start < content.length; ) {
    const end = content.indexOf(0x0a, start)
    const line = content.subarray(start, end)
    const encoding = lineEncoding(content, start, end, 'utf-8')
    const text = decodeText(line, encoding)
    expect(text).not.toContain('\ufffd')
    if (text.includes(' gate.old') && !line.every((byte) => byte < 0x80)) expect(encoding).toBe('gb18030')
    if (text.includes(' gate.new')) expect(encoding).toBe('utf-8')
    start = end + 1
  }
})

test('UTF-16 files are given back whole', () => {
  for (const name of ['utf16le-bom', 'utf16le-nobom']) {
    const path = `../fixtures/samples/edge-cases/edge-cases-0/encodings/${name}.log`
    const content = readFileSync(join(import.meta.dirname, path))
    expect(encodeText(decodeText(content, 'utf-16le'), 'utf-16le')).toEqual(content)
  }
})
