/** Blocks that the grams rule out: never one that holds a match. */
import { copyFile, mkdir, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { Store } from '../../pipeline/store.ts'
import { lowerCase } from '../../pipeline/words.ts'
import { gramsOfBlock, mayHold } from '../../store/sqlite/grams.ts'
import { type Plan, planOf, type TextPlan } from '../../store/sqlite/plan.ts'
import { openSqliteStore } from '../../store/sqlite/store.ts'
import { drain, type Line, linesOf, noonUs, pages, queryOf, secondUs } from '../contract/store-model.ts'

const block = (...messages: string[]): Uint8Array | undefined => {
  const text = Buffer.from(messages.join(''))
  return gramsOfBlock(text, text.length)
}

function textPlans(plan: Plan): TextPlan[] {
  if (plan.kind === 'text') return [plan]
  if (plan.kind === 'index') return plan.text === undefined ? [] : [plan.text]
  if (plan.kind === 'not') return textPlans(plan.part)
  return plan.kind === 'and' || plan.kind === 'or' ? plan.parts.flatMap(textPlans) : []
}

test('the two characters beyond ASCII that fold to it are all there are', () => {
  const found: string[] = []
  for (let code = 128; code < 0x11_0000; code++) {
    if (code >= 0xd800 && code < 0xe000) continue
    const text = String.fromCodePoint(code)
    if (/[a-z0-9]/.test(lowerCase(text))) found.push(text)
  }
  expect(found).toEqual(['\u0130', '\u212a'])
})

test('a block is ruled out when a piece of the word is nowhere in it', () => {
  const [plan] = textPlans(planOf(queryOf('*rror*')))
  const rules = (row: Uint8Array | undefined): boolean => row !== undefined && !mayHold(row, plan?.grams ?? [], false)
  expect(rules(block('all is well', 'still'))).toBe(true)
  expect(rules(block('an ERROR', 'still'))).toBe(false)
  expect(rules(block(''))).toBe(true)
  // Nothing is certain where a letter may be another character.
  expect(block('300 \u212a')).toBeUndefined()
})

describe('what matches is never ruled out', () => {
  const piece = fc.constantFrom(
    ...['err', 'Error', 'k', '\u212a', '\u0130', 'i', '404', '연결', '连接', ' ', '=', '":"', '{"', '"}', '\\', '"'],
    ...['\\u0065', '\\u212A', '\\n', 'status', 'STATUS', '.', 'disk', 'é', '🙂', '12', 'user_id'],
  )
  const message = fc.oneof(
    fc.array(piece, { maxLength: 12 }).map((pieces) => pieces.join('')),
    fc.tuple(piece, piece).map(([name, value]) => `{"${name}status":"${value}err"}`),
    fc.tuple(piece, piece).map(([name, value]) => `${name}=1 status="${value}" disk=${value}err404`),
  )
  const query = fc.oneof(
    fc.constantFrom('*rror*', '*kerr*', 'dis*', '*isk*', '*tatus*rr*', '*40*', 'kerr*', '"disk 404*"'),
    fc
      .tuple(
        fc.constantFrom('status', 'disk', 'errstatus', 'istatus'),
        fc.constantFrom('err', 'kerr', '*rr*', 'err404', '*'),
      )
      .map(([name, value]) => `fields.${name}:${value}`),
  )

  test('for any messages and queries', () => {
    fc.assert(
      fc.property(fc.array(message, { minLength: 1, maxLength: 6 }), query, (messages, text) => {
        const row = block(...messages)
        for (const plan of textPlans(planOf(queryOf(text)))) {
          if (row === undefined || mayHold(row, plan.grams, plan.escapes)) continue
          expect(messages.filter(plan.holds)).toEqual([])
        }
      }),
      { numRuns: 3000 },
    )
  })
})

describe('the answers are the same with and without them', () => {
  let folder: string
  let store: Store
  let bare: Store

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'shiplog-grams-'))
    const rare = [
      'disk error',
      'DIS\u212a error',
      '{"sta\\u0074us":"dow\\u006e"}',
      '{"status":"down"}',
      'a=1 status=down',
    ]
    const lines = Array.from({ length: 9000 }, (_, i): Line => {
      const message = i % 1301 === 700 ? (rare[Math.floor(i / 1301) % rare.length] as string) : `line ${i} is 连接 fine`
      return { message, time: noonUs + ((i * 7919) % 9000) * secondUs }
    })
    store = await openSqliteStore({ folder: join(folder, 'with') })
    const batch = linesOf(lines)
    await store.write([batch])
    await store.close()
    await mkdir(join(folder, 'without', 'prod'), { recursive: true })
    const name = join('prod', '2026-05-16.db')
    await copyFile(join(folder, 'with', name), join(folder, 'without', name))
    const db = new DatabaseSync(join(folder, 'without', name))
    // Of the 17 full blocks, two have a Kelvin sign.
    expect(db.prepare('SELECT count(*) AS n FROM grams').get()).toEqual({ n: 15 })
    db.exec('DELETE FROM grams')
    db.close()
    store = await openSqliteStore({ folder: join(folder, 'with') })
    bare = await openSqliteStore({ folder: join(folder, 'without') })
  })
  afterAll(async () => {
    await store.close()
    await bare.close()
    await rm(folder, { recursive: true })
  })

  const queries = [
    '*rror*',
    '*isk*',
    'dis*',
    'fields.status:down',
    '-*ine*',
    '*rror* OR fields.status:*ow*',
    'is *zzz*',
  ]
  test.each([...queries, 'line *99*', '-fields.status:down -fine'])('%s', async (text) => {
    for (const order of ['asc', 'desc'] as const) {
      const query = queryOf(text, { order })
      const expected = await drain(bare.scan(query))
      expect(await drain(store.scan(query))).toEqual(expected)
      expect(await pages(store, query, 100)).toEqual(expected)
    }
    const range = { ...queryOf(text), from: noonUs, to: noonUs + 9000 * secondUs }
    expect(await store.histogram(range, 10)).toEqual(await bare.histogram(range, 10))
    const field = 'fields.status'
    expect(await store.values(field, range, { limit: 5 })).toEqual(await bare.values(field, range, { limit: 5 }))
  })
})
