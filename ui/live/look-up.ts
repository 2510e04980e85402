/** What is asked of the server beside the stream and for it. */
import { type ApiRecord, getJson, type SearchPage } from '../api.ts'
import { apiUrl, type ParamList } from '../state/api-params.ts'

const pageRecords = 1_000
const pagesMax = 5
/** A store may show a line later than the bus has it, and lines of another machine may be stamped earlier. */
const backMs = 10_000

/** Everything since then that the store has; false = it was more than is looked up. */
export async function addSince(
  params: ParamList,
  time: string | undefined,
  add: (records: readonly ApiRecord[]) => void,
  signal: AbortSignal,
): Promise<boolean> {
  const from = time === undefined ? undefined : new Date(Date.parse(time) - backMs).toISOString()
  const asked = params.map(([name, value]) => [name, name === 'from' && from !== undefined ? from : value] as const)
  let cursor: string | null = null
  let oldest: string | undefined
  for (let turn = 0; turn < pagesMax; turn++) {
    const page: SearchPage = await getJson(
      apiUrl('search', [
        ...asked,
        ['order', 'desc'],
        ['limit', pageRecords],
        ...(cursor === null ? [] : [['cursor', cursor] as const]),
      ]),
      signal,
    )
    add(page.records)
    cursor = page.next
    if (cursor === null) return true
    oldest = page.records.at(-1)?.time
  }
  return time !== undefined && oldest !== undefined && oldest < time
}

export function tailParams(params: ParamList, position: string | undefined): ParamList {
  const asked = params.filter(([name]) => name !== 'from' && name !== 'to')
  return [...asked, ['lines', 0], ...(position === undefined ? [] : [['lastEventId', position] as const])]
}
