/** The index template of the partitions: what an index is made as, whoever writes to it first. */
import { messageOf, ShiplogError } from '../../pipeline/errors.ts'
import type { Connection } from './connection.ts'
import { analysis } from './words-analyzer.ts'

export interface IndexSettings {
  readonly shards: number
  readonly replicas: number
  readonly codec: string
  readonly refreshIntervalMs: number
}

/** Grows with every change of mapping or settings; an older Shiplog must not put its own in the place of a newer one. */
export const templateVersion = 1

/** Characters of a regular expression: a value of 1,024 characters, each as a class of its upper and lower case. */
const regexUnitsMax = 65_536

const keyword = { type: 'keyword' }
const stored = { type: 'keyword', index: false, doc_values: false }

/** What can be searched, sorted and counted; everything else of a record is in `_source` only. */
export const properties = {
  // Kibana's time field; microseconds do not fit into `date`.
  time: { type: 'date_nanos', format: 'strict_date_optional_time_nanos' },
  readAt: { type: 'date_nanos', format: 'strict_date_optional_time_nanos' },
  cluster: keyword,
  app: keyword,
  instance: keyword,
  host: keyword,
  dir: keyword,
  file: keyword,
  level: keyword,
  generation: keyword,
  offset: { type: 'long' },
  // No scores: what is newest is first. `name=value` with the name in lower case.
  message: { type: 'text', analyzer: 'words', norms: false },
  fields: keyword,
  // Never looked up by its value: only whether a record has it.
  continues: { type: 'keyword', index: false },
  id: stored,
}

export function templateOf(prefix: string, settings: IndexSettings): object {
  return {
    // Also `<prefix>-state` begins so; only names of partitions have a dash and a dot more.
    index_patterns: [`${prefix}-*-*.*`],
    priority: 500,
    version: templateVersion,
    _meta: { description: 'Shiplog: one index for each cluster and UTC day' },
    template: {
      settings: {
        'index.number_of_shards': settings.shards,
        'index.number_of_replicas': settings.replicas,
        'index.codec': settings.codec,
        'index.refresh_interval': `${settings.refreshIntervalMs}ms`,
        'index.max_regex_length': regexUnitsMax,
        analysis,
      },
      mappings: { dynamic: false, properties },
    },
  }
}

/** Puts the template. Rejects with a hint when Elasticsearch refuses it, or when a newer Shiplog has been here. */
export async function putTemplate(connection: Connection, prefix: string, settings: IndexSettings): Promise<void> {
  await checkTemplate(connection, prefix)
  try {
    await connection.json({ method: 'PUT', path: pathOf(prefix), body: templateOf(prefix, settings) })
  } catch (error) {
    if (error instanceof ShiplogError && error.retryable) throw error
    throw new ShiplogError('STORE_UNAVAILABLE', `Elasticsearch refuses the index template: ${messageOf(error)}`, {
      hint: 'Another template of the same priority may match shiplog-*: see GET _index_template, and docs/operations.md.',
      cause: error,
    })
  }
}

/** Rejects with a hint when a newer Shiplog has put the template. */
export async function checkTemplate(connection: Connection, prefix: string): Promise<void> {
  const known = await connection.json<{ index_templates?: { index_template: { version?: number } }[] }>({
    method: 'GET',
    path: pathOf(prefix),
    accept: [404],
  })
  const version = known.body.index_templates?.[0]?.index_template.version ?? 0
  if (version > templateVersion) {
    throw new ShiplogError(
      'STORE_UNAVAILABLE',
      `the index template ${prefix} has version ${version}, this Shiplog knows ${templateVersion}`,
      { hint: 'Run the newer Shiplog everywhere, or remove the template to begin with this one’s.' },
    )
  }
}

function pathOf(prefix: string): string {
  return `/_index_template/${encodeURIComponent(prefix)}`
}

/** The least version whose answers this store reads. */
const majorMin = 9

/** Rejects with a hint when a node is too old. */
export async function checkVersion(connection: Connection): Promise<void> {
  const { body } = await connection.json<{ nodes: Record<string, { version: string }> }>({
    method: 'GET',
    path: '/_nodes',
    query: { filter_path: 'nodes.*.version' },
  })
  const old = Object.values(body.nodes).find(({ version }) => Number.parseInt(version, 10) < majorMin)
  if (old === undefined) return
  throw new ShiplogError(
    'STORE_UNAVAILABLE',
    `Elasticsearch at ${connection.name} is of version ${old.version}, this Shiplog needs ${majorMin} or newer`,
    { hint: `Upgrade Elasticsearch to ${majorMin}, or use the embedded store: --store file:DIR.` },
  )
}
