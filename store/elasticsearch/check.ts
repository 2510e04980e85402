/**
 * What `shiplog doctor` says of an Elasticsearch: it answers and lets in, its version, that it splits words as Shiplog does, whose
 * index template is there, how the cluster is, and which indices it has made read-only.
 */
import { type Finding, fail, ok, warn } from '../../pipeline/doctor.ts'
import { ShiplogError } from '../../pipeline/errors.ts'
import { Connection, type ConnectionOptions } from './connection.ts'
import { hintOf } from './failures.ts'
import { defaultPrefix } from './store.ts'
import { checkTemplate, checkVersion } from './template.ts'
import { checkWords } from './words-analyzer.ts'

const answerMsMax = 10_000

interface CheckOptions extends ConnectionOptions {
  readonly prefix?: string
  /** For tests. */
  readonly msMax?: number
}

/** Rejects with what is wrong and what to do; changes nothing there. */
export async function checkElasticsearch({
  prefix = defaultPrefix,
  msMax = answerMsMax,
  ...options
}: CheckOptions): Promise<Finding[]> {
  const connection = new Connection(options)
  let isLate = false
  const timer = setTimeout(() => {
    isLate = true
    void connection.close()
  }, msMax)
  try {
    await checkVersion(connection)
    await checkWords(connection)
    await checkTemplate(connection, prefix)
    return [
      ok('store', `Elasticsearch at ${connection.name} answers, and splits words as Shiplog does`),
      ...(await healthOf(connection)),
      ...(await blocksOf(connection, prefix)),
    ]
  } catch (error) {
    if (!isLate) throw error
    throw new ShiplogError('STORE_UNAVAILABLE', `Elasticsearch at ${connection.name} is silent for ${msMax} ms`, {
      hint: 'Something takes the connection and does not answer: look at Elasticsearch, and at proxies in between.',
    })
  } finally {
    clearTimeout(timer)
    await connection.close()
  }
}

async function healthOf(connection: Connection): Promise<Finding[]> {
  const { body } = await connection.json<{ status: string; number_of_nodes: number }>({
    method: 'GET',
    path: '/_cluster/health',
    query: { filter_path: 'status,number_of_nodes' },
  })
  const detail = `the cluster is ${body.status}, with ${body.number_of_nodes} nodes`
  if (body.status === 'green') return [ok('store', detail)]
  const hint = 'See GET _cluster/allocation/explain; a single node needs --store-replicas 0.'
  return [body.status === 'red' ? fail('store', detail, hint) : warn('store', detail, hint)]
}

/** The flood stage of a full disk is a block on each index. */
async function blocksOf(connection: Connection, prefix: string): Promise<Finding[]> {
  const { body } = await connection.json<Record<string, { settings: Record<string, string> }>>({
    method: 'GET',
    path: `/${encodeURIComponent(`${prefix}-*`)}/_settings/index.blocks.*`,
    query: { flat_settings: 'true' },
  })
  const blocked = Object.entries(body).filter(([, { settings }]) =>
    Object.values(settings).some((value) => value === 'true'),
  )
  const [first] = blocked
  if (first === undefined) return []
  const isFull = Object.hasOwn(first[1].settings, 'index.blocks.read_only_allow_delete')
  const names = `${first[0]}${blocked.length > 1 ? ` and ${blocked.length - 1} more` : ''}`
  const hint = hintOf({
    type: 'cluster_block_exception',
    reason: isFull ? 'flood stage, read-only / allow delete' : 'blocked',
  })
  const detail = isFull ? `${names} may not be written: the disk is at its flood stage` : `${names} is blocked`
  return [fail('store', detail, hint ?? '')]
}
