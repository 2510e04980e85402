/** Query text made by a click. Pure. */
import { printQuery } from '../../pipeline/query.ts'
import { parseQuery } from '../../pipeline/query-parser.ts'

/** The query, and the field with exactly this value. A query that is already wrong is replaced. */
export function andField(query: string, name: string, value: string): string {
  const field = printQuery({ kind: 'field', name, match: 'exact', value, start: 0, end: 0 })
  if (query.trim() === '') return field
  try {
    const { kind } = parseQuery(query)
    return kind === 'or' ? `(${query.trim()}) ${field}` : `${query.trim()} ${field}`
  } catch {
    return field
  }
}
