/**
 * `npm run test:spark`: the example job for real. A shipper fills a real Kafka with the sample logs, some records are put there a
 * second time, as after a crash; the job runs to the end of the topic, more lines come, it runs again; then what it wrote
 * is compared with what is on the topic. Needs Python 3, Java ≥ 17 and Maven; PySpark and the connector are fetched once.
 */
import { execFileSync, spawn } from 'node:child_process'
import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { existsSync, readdirSync, renameSync, rmSync } from 'node:fs'
import { homedir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { findJdk, resolveJars } from '../services/java.ts'

const repository = fileURLToPath(new URL('../..', import.meta.url))
const pyspark = 'pyspark==4.0.0'
const connector = 'org.apache.spark:spark-sql-kafka-0-10_2.13:4.0.0'
/** Of all that Maven resolves; the rest is in PySpark. */
const neededJars = /^(spark-sql-kafka-0-10|spark-token-provider-kafka-0-10|kafka-clients|commons-pool2)/

/** Python with PySpark, in a folder that is kept from run to run. */
export function sparkPython(): string {
  const cache = join(process.env.XDG_CACHE_HOME ?? join(homedir(), '.cache'), 'shiplog')
  const folder = join(cache, `python-${createHash('sha256').update(pyspark).digest('hex').slice(0, 16)}`)
  const python = join(folder, 'bin', 'python')
  if (existsSync(join(folder, 'complete'))) return python
  rmSync(folder, { recursive: true, force: true })
  console.log(`installing ${pyspark} …`)
  execFileSync('python3', ['-m', 'venv', folder], { stdio: 'inherit' })
  execFileSync(python, ['-m', 'pip', 'install', '--quiet', pyspark], { stdio: 'inherit' })
  execFileSync('touch', [join(folder, 'complete')])
  return python
}

/** Runs a Python program with Spark and the Kafka connector; rejects with what it printed when it fails. */
export async function runPython(args: readonly string[]): Promise<string> {
  const jdk = findJdk(17)
  if (jdk === undefined) throw new Error('no JDK ≥ 17 was found')
  const jars = await resolveJars([connector])
  const paths = readdirSync(jars)
    .filter((name) => neededJars.test(name))
    .map((name) => join(jars, name))
  const child = spawn(sparkPython(), args, {
    cwd: repository,
    stdio: ['ignore', 'pipe', 'pipe'],
    env: {
      ...process.env,
      JAVA_HOME: join(jdk.java, '..', '..'),
      PYSPARK_SUBMIT_ARGS: [
        ...['--master', 'local[2]', '--jars', paths.join(',')],
        ...['--conf', 'spark.driver.host=127.0.0.1', '--conf', 'spark.driver.bindAddress=127.0.0.1'],
        ...['--conf', 'spark.ui.enabled=false', '--conf', 'spark.sql.shuffle.partitions=2', 'pyspark-shell'],
      ].join(' '),
    },
  })
  let out = ''
  let errors = ''
  child.stdout.on('data', (chunk: Buffer) => (out += chunk.toString()))
  child.stderr.on('data', (chunk: Buffer) => (errors += chunk.toString()))
  const [code] = await once(child, 'close')
  if (code !== 0) throw new Error(`${args[0]} ended with ${code}\n${errors.slice(-6000)}`)
  return out
}
