/** The recent searches, kept by the browser. */
import { useSyncExternalStore } from 'react'
import { keepText, keptText } from '../kept-text.ts'
import { readHistory, withSearch } from '../state/completion.ts'

const storageKey = 'shiplog.searches'
let history: readonly string[] = readHistory(keptText(storageKey))
const readers = new Set<() => void>()

export function rememberSearch(query: string): void {
  history = withSearch(history, query)
  keepText(storageKey, JSON.stringify(history))
  for (const reader of readers) reader()
}

function subscribe(reader: () => void): () => void {
  readers.add(reader)
  return () => readers.delete(reader)
}

export function useHistory(): readonly string[] {
  return useSyncExternalStore(subscribe, () => history)
}
