import { describe, expect, it } from 'vitest'
import type { FileRow } from '../../ui/api.ts'
import { causeOf, gapsIn, lossesOf } from '../../ui/state/loss-model.ts'

const at = (second: number) => `2026-11-24T10:00:${String(second).padStart(2, '0')}.000000Z`
const line = (second: number, generation = 'a', offset = second * 10) => ({ time: at(second), generation, offset })
const file = (more: Partial<FileRow>): FileRow => ({
  ...{ cluster: 'c', app: 'a', instance: 'i', host: 'h', dir: '/', file: 'f.log', path: '/f.log', state: 'gone' },
  ...{ generation: 'a', size: 100, read: 100, acknowledged: 30, behind: 0, lost: 7, updatedAt: at(50) },
  loss: { first: at(40), last: at(40), cause: 'truncated', atLeast: true },
  ...more,
})
const lines = [line(9), line(5), line(2, 'b'), line(1)]
const all = { fromMs: 0, toMs: Number.POSITIVE_INFINITY, more: false }
const places = (files: readonly FileRow[], edges: Parameters<typeof gapsIn>[2] = all) =>
  [...gapsIn(lines, lossesOf(files), edges)].map(([index, losses]) => [index, losses.length])

describe('a loss', () => {
  it('stands above the last line that came before it', () => {
    expect(places([file({ reached: at(5), acknowledged: 60 })])).toEqual([[1, 1]])
    expect(places([file({ reached: at(5), acknowledged: 50 })])).toEqual([[2, 1]])
    expect(places([file({ reached: at(1), generation: 'b' }), file({ reached: at(1), generation: 'c' })])).toEqual([
      [3, 2],
    ])
  })

  it('of a file of which nothing was read stands where it was noticed', () => {
    expect(places([file({ loss: { first: at(6), last: at(7), cause: 'gone', atLeast: true } })])).toEqual([[1, 1]])
    expect(places([file({ lost: 0, reached: at(5) })])).toEqual([])
  })

  it('above or below all lines is drawn only where nothing can stand between', () => {
    const [newer, older] = [[file({ reached: at(30) })], [file({ reached: at(0) })]]
    expect(places(newer)).toEqual([[0, 1]])
    expect(places(newer, { ...all, toMs: Date.parse(at(20)) })).toEqual([])
    expect(places(older)).toEqual([[4, 1]])
    expect(places(older, { ...all, more: true })).toEqual([])
    expect(places(older, { ...all, fromMs: Date.parse(at(1)) })).toEqual([])
    expect(places(newer, { fromMs: undefined, toMs: undefined, more: false })).toEqual([])
  })

  it('has a cause that the page knows, or the words of the shipper', () => {
    expect(causeOf('deleted, and closed as deleted files held more than deletedOpenBytesMax,')).toBe('deleted')
    expect(causeOf('eaten')).toBeUndefined()
    expect(causeOf(undefined)).toBeUndefined()
  })
})
