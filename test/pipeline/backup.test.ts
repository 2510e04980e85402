import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { type Backup, formatBackup, parseBackup } from '../../pipeline/backup.ts'
import { ShiplogError } from '../../pipeline/errors.ts'

const golden = readFileSync(join(import.meta.dirname, '../fixtures/backup/version-1.ndjson'), 'utf8')
const content: Backup = {
  entries: [
    { key: 'alert-policy/p1', value: { v: 1, policy: { name: 'errors', cluster: 'prod' }, changedBy: 'olga' } },
    { key: 'search/kq3Xv0b2Gxo', value: { name: '支付失败', cluster: 'prod', app: ['2048'], owner: 'alice' } },
  ],
  tokens: [
    {
      id: '0123456789ab',
      name: 'alice',
      role: 'reader',
      grants: ['prod/*'],
      hash: 'a'.repeat(64),
      createdAt: '2026-11-24T10:00:00.000Z',
    },
  ],
}

test('a backup of version 1 is written and read as it always was', () => {
  expect(formatBackup(content, Date.UTC(2026, 10, 24, 12))).toBe(golden)
  expect(parseBackup(golden, 'a')).toEqual(content)
})

test('without tokens, and of nothing at all', () => {
  const nothing = { entries: [], tokens: undefined }
  expect(parseBackup(formatBackup(nothing, 0), 'a')).toEqual(nothing)
})

function refusal(text: string): ShiplogError {
  try {
    parseBackup(text, 'b.ndjson')
  } catch (error) {
    if (error instanceof ShiplogError) return error
    throw error
  }
  throw new Error('it was taken')
}

test('one that was cut off or changed at any byte is refused, with a hint', () => {
  const bytes = Buffer.from(golden)
  for (let at = 0; at < bytes.length; at += 7) {
    const cut = refusal(bytes.subarray(0, at).toString())
    expect([cut.code, cut.hint === ''], `cut at ${at}`).toEqual(['STATE_UNREADABLE', false])
    const changed = Buffer.from(bytes)
    changed[at] = changed[at] === 0x78 ? 0x79 : 0x78
    expect(refusal(changed.toString()).code, `changed at ${at}`).toBe('STATE_UNREADABLE')
  }
  expect(refusal(`${golden}\n`).message).toContain('cut off or changed')
})

test('a version that is not known is refused before anything else is looked at', () => {
  const error = refusal(golden.replace('"v":1', '"v":2'))
  expect([error.message, error.hint]).toEqual([
    'b.ndjson cannot be restored: its version is 2, this Shiplog reads 1',
    'Restore it with the version of Shiplog that made it, or a newer one.',
  ])
  expect(refusal('{"a":1}\n').message).toContain('no backup of Shiplog')
})

test('what belongs in no backup is not restored, whatever its sum says', () => {
  const odd = (entry: { key: string; value: unknown }) => formatBackup({ entries: [entry], tokens: undefined }, 0)
  for (const key of ['session/x', 'file/prod/x', 'retention', 'search'])
    expect(refusal(odd({ key, value: 1 })).message).toContain('belongs in no backup')
  const token = { ...content.tokens?.[0], role: 'king' }
  expect(refusal(formatBackup({ entries: [], tokens: [token as never] }, 0)).message).toContain('role')
})
