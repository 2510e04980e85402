/**
 * A real Kafka 4.1 on 127.0.0.1: one process that is broker and controller (KRaft), from the jars on Maven Central.
 * It can be stopped and started again on the same ports and data, as a broker that restarts.
 */
import { execFile } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { mkdirSync, writeFileSync } from 'node:fs'
import { connect } from 'node:net'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { findJdk, freePort, type JavaProcess, resolveJars, startJava } from './java.ts'
import { makeCertificate, scramArguments, secureProperties } from './kafka-secure.ts'

const artifacts = ['org.apache.kafka:kafka_2.13:4.1.0', 'org.apache.kafka:kafka-tools:4.1.0']

export interface KafkaService {
  /** `kafka://127.0.0.1:<port>` */
  readonly url: string
  readonly pid: number
  /** Stops the broker; SIGKILL is a crash. Data and ports stay its own. */
  stop(signal?: NodeJS.Signals): Promise<void>
  /** Starts it again where it was. */
  start(): Promise<void>
}

/** Passwords by name: whoever wants to come in has to log in (SASL/PLAIN), and only `admin` may do anything. */
type Users = Readonly<Record<string, string>> & { readonly admin: string }

interface KafkaOptions {
  readonly users?: Users
  /** Passwords by name, for SASL/SCRAM over TLS; the certificate is `<folder>/ca.pem`. */
  readonly scram?: Readonly<Record<string, string>>
}

export async function startKafka(folder: string, { users, scram }: KafkaOptions = {}): Promise<KafkaService> {
  // Kafka itself is content with 17.
  const jdk = findJdk(17)
  if (jdk === undefined) throw new Error('no JDK ≥ 17 was found')
  const classPath = join(await resolveJars(artifacts), '*')
  const [port, controllerPort] = [await freePort(), await freePort()]
  mkdirSync(folder, { recursive: true })
  const properties = join(folder, 'server.properties')
  const all = {
    ...propertiesOf(folder, port, controllerPort),
    ...(users === undefined ? {} : loginOf(users, port, controllerPort)),
    ...(scram === undefined ? {} : secureProperties(folder, port, await freePort(), controllerPort)),
  }
  writeFileSync(
    properties,
    Object.entries(all)
      .map(([name, value]) => `${name}=${value}\n`)
      .join(''),
  )
  const format = ['-cp', classPath, 'kafka.tools.StorageTool', 'format', '--ignore-formatted']
  // As one word: an id may begin with a dash.
  const id = `--cluster-id=${randomBytes(16).toString('base64url')}`
  const known = scramArguments(scram ?? {})
  await Promise.all([
    promisify(execFile)(jdk.java, [...format, id, '-c', properties, ...known], { cwd: folder }),
    ...(scram === undefined ? [] : [makeCertificate(folder, jdk)]),
  ])

  let broker: JavaProcess
  const start = async (): Promise<void> => {
    const args = [
      '-Xmx768m',
      '-XX:+UseSerialGC',
      '-XX:TieredStopAtLevel=4',
      '-cp',
      classPath,
      'kafka.Kafka',
      properties,
    ]
    broker = await startJava(jdk.java, args, () => accepts(port), folder)
  }
  await start()
  return {
    url: `kafka://127.0.0.1:${port}`,
    get pid() {
      return broker.pid
    },
    stop: (signal) => broker.stop(signal),
    start,
  }
}

function propertiesOf(folder: string, port: number, controllerPort: number): Record<string, string> {
  return {
    'process.roles': 'broker,controller',
    'node.id': '1',
    'controller.quorum.voters': `1@127.0.0.1:${controllerPort}`,
    listeners: `PLAINTEXT://127.0.0.1:${port},CONTROLLER://127.0.0.1:${controllerPort}`,
    'advertised.listeners': `PLAINTEXT://127.0.0.1:${port}`,
    'controller.listener.names': 'CONTROLLER',
    'listener.security.protocol.map': 'CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT',
    'log.dirs': join(folder, 'data'),
    'offsets.topic.replication.factor': '1',
    'offsets.topic.num.partitions': '4',
    'transaction.state.log.replication.factor': '1',
    'transaction.state.log.min.isr': '1',
    'group.initial.rebalance.delay.ms': '0',
    // A topic is made by whoever means to, with the partitions that it shall have.
    'auto.create.topics.enable': 'false',
  }
}

function loginOf(users: Users, port: number, controllerPort: number): Record<string, string> {
  const known = Object.entries(users).map(([name, password]) => `user_${name}="${password}"`)
  const module = 'org.apache.kafka.common.security.plain.PlainLoginModule required'
  return {
    listeners: `SASL_PLAINTEXT://127.0.0.1:${port},CONTROLLER://127.0.0.1:${controllerPort}`,
    'advertised.listeners': `SASL_PLAINTEXT://127.0.0.1:${port}`,
    'listener.security.protocol.map': 'CONTROLLER:PLAINTEXT,SASL_PLAINTEXT:SASL_PLAINTEXT',
    'inter.broker.listener.name': 'SASL_PLAINTEXT',
    'sasl.enabled.mechanisms': 'PLAIN',
    'sasl.mechanism.inter.broker.protocol': 'PLAIN',
    'listener.name.sasl_plaintext.plain.sasl.jaas.config': `${module} username="admin" password="${users.admin}" ${known.join(' ')};`,
    'authorizer.class.name': 'org.apache.kafka.metadata.authorizer.StandardAuthorizer',
    'super.users': 'User:admin;User:ANONYMOUS',
  }
}

function accepts(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1')
    socket.once('connect', () => resolve(true)).once('error', () => resolve(false))
    socket.once('connect', () => socket.destroy())
  })
}
