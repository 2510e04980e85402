/** What Elasticsearch can answer instead of doing the work, as errors that an operator or a user can act on. Pure. */
import { ShiplogError } from '../../pipeline/errors.ts'

/** The `error` of an answer, of one search in it, or of one item. */
export interface Failure {
  readonly type: string
  readonly reason: string
}

interface ErrorBody {
  readonly type?: string
  readonly reason?: string
  readonly root_cause?: readonly ErrorBody[]
  readonly caused_by?: ErrorBody
}

/** The innermost cause of an `error` object: what is around it only says that shards have failed. */
export function causeOf(error: unknown): Failure {
  if (typeof error === 'string') return { type: 'error', reason: error }
  let inner = (error ?? {}) as ErrorBody
  for (let depth = 0; depth < 10; depth++) {
    const next: ErrorBody | undefined = inner.root_cause?.[0] ?? inner.caused_by
    if (next === undefined || next.type === undefined) break
    inner = next
  }
  return { type: inner.type ?? 'error', reason: inner.reason ?? 'no reason given' }
}

/** The same of a whole answer; the first bytes of it when it is no JSON. */
export function failureOf(answer: Buffer): Failure {
  try {
    const { error } = JSON.parse(answer.toString('utf8')) as { error?: unknown }
    if (error !== undefined) return causeOf(error)
  } catch {
    // A proxy's page, or half an answer.
  }
  return { type: 'error', reason: answer.subarray(0, 200).toString('utf8') }
}

export function unavailable(server: string, what: string, cause?: unknown, hint?: string): ShiplogError {
  return new ShiplogError('STORE_UNAVAILABLE', `Elasticsearch at ${server}: ${what}`, {
    retryable: true,
    hint:
      hint ?? 'Nothing is lost: what was not written is written again. See whether Elasticsearch is up and healthy.',
    ...(cause === undefined ? {} : { cause }),
  })
}

/** A query of so many words, or with a wildcard that stands for so many, that Elasticsearch does not run it. */
const tooCostly = /too many (terms|clauses|buckets|nested)|too_many|max.?clause|determini|too complex|regex_length/i

/** An answer with an error status. Only what cannot get better by itself is not retryable. */
export function statusError(server: string, status: number, { type, reason }: Failure): ShiplogError {
  const what = `${status} ${type}: ${reason}`
  if (tooCostly.test(`${type} ${reason}`)) {
    return new ShiplogError('QUERY_TOO_COSTLY', `Elasticsearch does not run this query: ${reason}`, {
      hint: 'Write more letters before the *, or fewer words.',
    })
  }
  if (status === 401 || status === 403) return unavailable(server, what, undefined, hintOf({ type, reason }) ?? rights)
  if (status === 429 || status >= 500) return unavailable(server, what, undefined, hintOf({ type, reason }))
  return new ShiplogError('STORE_UNAVAILABLE', `Elasticsearch at ${server} refused a request: ${what}`, {
    retryable: isOfIndex({ type, reason }),
    hint: hintOf({ type, reason }) ?? 'See docs/operations.md for what Shiplog needs of Elasticsearch.',
  })
}

const rights = 'The API key or user of --store needs the rights that docs/operations.md lists.'

/** What an operator can do about it, where the answer tells. */
export function hintOf({ type, reason }: Failure): string | undefined {
  if (/flood.?stage|read-only \/ allow delete/i.test(reason)) {
    return 'The disk of Elasticsearch is nearly full and it made the index read-only. Free space or lower --retention-days; writing goes on by itself.'
  }
  if (type === 'cluster_block_exception') {
    return 'The index is blocked for writing. Take the block away (PUT <index>/_settings {"index.blocks.write":null}); writing goes on by itself.'
  }
  if (type === 'security_exception') return rights
  if (/maximum (normal )?shards open/i.test(reason)) {
    return 'Elasticsearch has its maximum of shards. Lower --retention-days or raise cluster.max_shards_per_node; writing goes on by itself.'
  }
  if (type === 'index_closed_exception') return 'Open the index again (POST <index>/_open); writing goes on by itself.'
  if (type === 'index_not_found_exception') {
    return 'Elasticsearch may not make indices by itself: allow them in action.auto_create_index; writing goes on by itself.'
  }
  return undefined
}

/** True when it is the index or the cluster that does not take the event now, whatever the event is. */
export function isOfIndex({ type, reason }: Failure): boolean {
  return (
    /^(cluster_block|index_closed|index_not_found|validation|security|unavailable_shards|no_shard_available)/.test(
      type,
    ) || /maximum (normal )?shards open/i.test(reason)
  )
}
