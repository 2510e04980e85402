/** What makes a Kafka of the tests one that is reached by TLS only, and lets in who logs in by SCRAM. */
import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { promisify } from 'node:util'
import type { Jdk } from './java.ts'

const mechanisms = ['SCRAM-SHA-256', 'SCRAM-SHA-512'] as const
const storePassword = 'of-no-one'

/** A certificate for 127.0.0.1 alone, which is also the authority that signed it, in `<folder>/ca.pem`. */
export async function makeCertificate(folder: string, { java }: Jdk): Promise<void> {
  const keytool = (...args: string[]) =>
    promisify(execFile)(join(java, '..', 'keytool'), [
      ...args,
      // It is gone before anything were worth compiling.
      '-J-XX:TieredStopAtLevel=1',
      ...['-alias', 'broker', '-keystore', keystoreOf(folder), '-storepass', storePassword],
    ])
  const subject = ['-dname', 'CN=broker', '-ext', 'SAN=ip:127.0.0.1']
  await keytool('-genkeypair', '-keyalg', 'EC', '-validity', '2', '-storetype', 'PKCS12', ...subject)
  await keytool('-exportcert', '-rfc', '-file', join(folder, 'ca.pem'))
}

/** The broker and its controller speak to themselves by a listener that nobody is told of. */
export function secureProperties(folder: string, port: number, innerPort: number, controllerPort: number) {
  return {
    listeners: `SASL_SSL://127.0.0.1:${port},INNER://127.0.0.1:${innerPort},CONTROLLER://127.0.0.1:${controllerPort}`,
    'advertised.listeners': `SASL_SSL://127.0.0.1:${port},INNER://127.0.0.1:${innerPort}`,
    'listener.security.protocol.map': 'CONTROLLER:PLAINTEXT,INNER:PLAINTEXT,SASL_SSL:SASL_SSL',
    'inter.broker.listener.name': 'INNER',
    'sasl.enabled.mechanisms': mechanisms.join(','),
    ...Object.fromEntries(
      mechanisms.map((mechanism) => [
        `listener.name.sasl_ssl.${mechanism.toLowerCase()}.sasl.jaas.config`,
        'org.apache.kafka.common.security.scram.ScramLoginModule required;',
      ]),
    ),
    'ssl.keystore.location': keystoreOf(folder),
    'ssl.keystore.type': 'PKCS12',
    'ssl.keystore.password': storePassword,
  }
}

/** Of `kafka-storage format`: who is known from the first start on. */
export function scramArguments(users: Readonly<Record<string, string>>): string[] {
  return Object.entries(users).flatMap(([name, password]) =>
    mechanisms.flatMap((mechanism) => ['--add-scram', `${mechanism}=[name=${name},password=${password}]`]),
  )
}

function keystoreOf(folder: string): string {
  return join(folder, 'broker.p12')
}
