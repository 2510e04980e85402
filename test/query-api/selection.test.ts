import { expect, test } from 'vitest'
import { searchQueryOf } from '../../query-api/selection.ts'
import { nowMs } from './serve.ts'

const asked = { cluster: 'prod', order: 'asc' } as const

test('the bytes of a file are those of the whole file, unless a beginning is named', () => {
  expect(searchQueryOf({ ...asked, format: 'raw' }, nowMs).from).toBe(0)
  expect(searchQueryOf({ ...asked, format: 'raw', to: '1971-01-01' }, nowMs).from).toBe(0)
  expect(searchQueryOf({ ...asked, format: 'raw', from: 'now-1h' }, nowMs).from).toBe((nowMs - 3_600_000) * 1000)
  expect(searchQueryOf({ ...asked, format: 'txt' }, nowMs).from).toBe((nowMs - 86_400_000) * 1000)
})
