/** One `_bulk` request and what it says of each event. */
import type { ShiplogError } from '../../pipeline/errors.ts'
import type { Connection } from './connection.ts'
import { causeOf, type Failure, failureOf, hintOf, isOfIndex, unavailable } from './failures.ts'

export type Verdict =
  | 'stored'
  | { readonly retry: true; readonly trouble: ShiplogError }
  | { readonly retry: false; readonly reason: string }

export type BulkAnswer =
  | { readonly kind: 'items'; readonly verdictOf: (item: number) => Verdict }
  | { readonly kind: 'too-large'; readonly reason: string }

interface Item {
  readonly create?: { readonly status: number; readonly error?: unknown }
}

// Half of the answer would be names that are known.
const query = { filter_path: 'errors,items.create.status,items.create.error' }
const allStored = Buffer.from('{"errors":false,')

/** Rejects with a ShiplogError when nothing is known of any event. */
export async function readBulkAnswer(connection: Connection, body: Buffer): Promise<BulkAnswer> {
  const answer = await connection.bytes({ method: 'POST', path: '/_bulk', query, body, accept: [400, 413] })
  if (answer.status === 400 || answer.status === 413) {
    const { type, reason } = failureOf(answer.body)
    return { kind: 'too-large', reason: `${answer.status} ${type}: ${reason}` }
  }
  if (answer.body.subarray(0, allStored.length).equals(allStored)) {
    return { kind: 'items', verdictOf: () => 'stored' }
  }
  const { items } = connection.parse<{ items?: readonly Item[] }>(answer.body)
  if (items === undefined) throw unavailable(connection.name, 'it answered a bulk request without its items')
  return { kind: 'items', verdictOf: (item) => verdictOf(connection.name, items[item]?.create) }
}

function verdictOf(server: string, item: Item['create']): Verdict {
  if (item === undefined) return { retry: true, trouble: unavailable(server, 'it left an event out of its answer') }
  const { status } = item
  // 409: the same id is there, and the same id always means the same event.
  if ((status >= 200 && status < 300) || status === 409) return 'stored'
  const failure = reasonOf(item.error)
  const what = `${failure.type}: ${failure.reason}`
  if (status === 429 || status >= 500 || isOfIndex(failure)) {
    return { retry: true, trouble: unavailable(server, `${status} ${what}`, undefined, hintOf(failure)) }
  }
  return { retry: false, reason: what }
}

/** An item's own error names the field, its cause what is wrong with it. */
function reasonOf(error: unknown): Failure {
  const outer = (error ?? {}) as { type?: string; reason?: string; caused_by?: unknown }
  const inner = outer.caused_by === undefined ? undefined : causeOf(outer.caused_by)
  const reason = [outer.reason, inner?.reason].filter((part) => part !== undefined).join(': ')
  return { type: outer.type ?? 'error', reason: reason === '' ? 'no reason given' : reason }
}
