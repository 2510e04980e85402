/** The keys of the list, as in less and lnav. */
import type { UseInfiniteQueryResult } from '@tanstack/react-query'
import { useEffect, useRef } from 'react'
import type { Expression } from '../../pipeline/query.ts'
import type { ApiRecord } from '../api.ts'
import { copyText } from '../copy-text.ts'
import { useKeys } from '../keys/use-keys.ts'
import { hitsIn } from '../state/highlight.ts'
import { isError, seek } from '../state/line-order.ts'

/** Pages that are loaded to find the next one; beyond them the reader says whether to go on. */
const seekPagesMax = 10

/** Not found in the lines that are loaded, or copied or not. */
export type Said = 'hit' | 'error' | 'copied' | 'copyFailed'

export interface LineKeysParts {
  readonly records: readonly ApiRecord[]
  readonly search: UseInfiniteQueryResult
  /** Whether older lines that are loaded come into the list. */
  readonly grows: boolean
  readonly expression: Expression | undefined
  /** Index of the line that keys start from; -1 = none yet. */
  readonly at: number
  readonly contextOpen: boolean
  moveTo(record: ApiRecord, index: number): void
  open(record: ApiRecord): void
  closeContext(): void
  fold(record: ApiRecord): void
  /** What a key did or could not do, where it is not seen otherwise. */
  onSaid(what: Said): void
}

export function useLineKeys(parts: LineKeysParts): void {
  const latest = useRef(parts)
  useEffect(() => {
    latest.current = parts
  })
  const { records, at } = parts
  const current = records[Math.max(0, at)]

  const move = (step: number) => {
    const index = Math.min(records.length - 1, Math.max(0, at < 0 ? 0 : at + step))
    const record = records[index]
    if (record !== undefined) parts.moveTo(record, index)
  }
  const find = async (what: 'hit' | 'error', step: 1 | -1) => {
    const { expression } = latest.current
    const wanted = (record: ApiRecord) =>
      what === 'error' ? isError(record) : expression === undefined || hitsIn(expression, record.message).length > 0
    let from = at < 0 ? 0 : at + step
    for (let turn = 0; turn <= seekPagesMax; turn++) {
      const { records, search, grows } = latest.current
      const found = seek(records, from, step, wanted)
      const record = records[found]
      if (record !== undefined) return latest.current.moveTo(record, found)
      if (step < 0 || !grows || !search.hasNextPage || search.isFetchNextPageError) break
      from = records.length
      await search.fetchNextPage()
      await new Promise(requestAnimationFrame)
    }
    latest.current.onSaid(what)
  }

  const previousHit = () => void find('hit', -1)
  const previousError = () => void find('error', -1)
  const toOldest = () => move(records.length)
  const closeContext = () => parts.contextOpen && parts.closeContext()

  useKeys({
    j: () => move(1),
    k: () => move(-1),
    n: () => void find('hit', 1),
    N: previousHit,
    e: () => void find('error', 1),
    E: previousError,
    g: () => move(-records.length),
    G: toOldest,
    o: () => current && parts.fold(current),
    y: () => {
      if (current === undefined) return
      copyText(current.message).then(
        () => parts.onSaid('copied'),
        () => parts.onSaid('copyFailed'),
      )
    },
    c: () => (parts.contextOpen ? parts.closeContext() : current && parts.open(current)),
    Escape: closeContext,
  })
}
