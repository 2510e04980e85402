/** What `shiplog doctor` says of an Elasticsearch: it answers, its version, and that it splits words as Shiplog does. */
import { type Finding, ok } from '../../pipeline/doctor.ts'
import { Connection, type ConnectionOptions } from './connection.ts'
import { checkVersion } from './template.ts'
import { checkWords } from './words-analyzer.ts'

/** Rejects with what is wrong and what to do; changes nothing there. */
export async function checkElasticsearch(options: ConnectionOptions): Promise<Finding[]> {
  const connection = new Connection(options)
  try {
    await checkVersion(connection)
    await checkWords(connection)
    return [ok('store', `Elasticsearch at ${connection.name} answers, and splits words as Shiplog does`)]
  } finally {
    await connection.close()
  }
}
