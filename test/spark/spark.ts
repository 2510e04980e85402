/**
 * A Python with PySpark and the Kafka connector, fetched once. Needs Python 3, a JDK from 17 to 21 and Maven.
 */
import { execFileSync, spawn } from 'node:child_process'
import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { existsSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
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
  writeFileSync(join(folder, 'complete'), '')
  return python
}

/** Runs a Python program with Spark and the Kafka connector; rejects with what it printed when it fails. */
export async function runPython(args: readonly string[]): Promise<string> {
  // Spark 4.0 knows Java 17 and 21.
  const jdk = findJdk(17, 21)
  if (jdk === undefined) throw new Error('no JDK from 17 to 21 was found')
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
