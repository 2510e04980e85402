/**
 * Where a Kafka is and how to come in: `kafka://h:9092,h2:9092`, with `user:password@` before the hosts and `?tls=true`
 * behind them where they are needed. What is secret never goes into a message. Pure but for the certificate's file.
 */
import { readFileSync } from 'node:fs'
import { messageOf, ShiplogError } from '../../pipeline/errors.ts'

export interface KafkaAddress {
  readonly brokers: readonly { readonly host: string; readonly port: number }[]
  readonly tls?: { readonly ca?: string }
  readonly sasl?: {
    readonly mechanism: 'PLAIN' | 'SCRAM-SHA-256' | 'SCRAM-SHA-512'
    readonly username: string
    readonly password: string
  }
}

/** What options say beside the URL; what the URL says goes before. Empty = not said. */
export interface KafkaLogin {
  readonly user?: string
  readonly password?: string
  readonly sasl?: string
  readonly tls?: boolean
  /** PEM file of the authority that signed the brokers' certificates; the system's without it. */
  readonly caFile?: string
}

const defaultPort = 9092
const form = 'kafka://HOST:PORT,HOST:PORT (user:password@ before, ?tls=true behind where they are needed)'

/** Throws CONFIG_INVALID, without the URL: there may be a password in it. */
export function kafkaAddress(url: string, login: KafkaLogin = {}): KafkaAddress {
  const match = /^kafka:\/\/(?:([^@/?]*)@)?([^@/?]+)\/?(?:\?(.*))?$/.exec(url)
  if (match === null) throw invalid('--bus is no Kafka URL')
  const query = new URLSearchParams(match[3] ?? '')
  for (const name of query.keys()) if (!['tls', 'sasl', 'ca'].includes(name)) throw invalid(`?${name} is not known`)
  const [user = '', password = ''] = match[1]?.split(/:(.*)/s) ?? []
  const username = decodeURIComponent(user) || (login.user ?? '')
  const caFile = query.get('ca') ?? login.caFile ?? ''
  const tls = query.get('tls') === null ? (login.tls ?? false) || caFile !== '' : query.get('tls') === 'true'
  return {
    brokers: (match[2] as string).split(',').map(brokerOf),
    ...(tls ? { tls: caFile === '' ? {} : { ca: certificate(caFile) } } : {}),
    ...(username === ''
      ? {}
      : {
          sasl: {
            mechanism: mechanismOf(query.get('sasl') ?? login.sasl ?? ''),
            username,
            password: decodeURIComponent(password) || (login.password ?? ''),
          },
        }),
  }
}

function brokerOf(written: string): { host: string; port: number } {
  const match = /^(\[[0-9a-f:.]+\]|[^:[\]]+)(?::(\d{1,5}))?$/i.exec(written.trim())
  const port = Number(match?.[2] ?? defaultPort)
  if (match === null || port > 65_535) throw invalid(`a broker of --bus is no HOST:PORT`)
  return { host: (match[1] as string).replace(/^\[|\]$/g, ''), port }
}

function mechanismOf(written: string): 'PLAIN' | 'SCRAM-SHA-256' | 'SCRAM-SHA-512' {
  const mechanism = written === '' ? 'PLAIN' : written.toUpperCase()
  if (mechanism === 'PLAIN' || mechanism === 'SCRAM-SHA-256' || mechanism === 'SCRAM-SHA-512') return mechanism
  throw invalid(`the SASL mechanism “${written}” is not known; there are plain, scram-sha-256, scram-sha-512`)
}

function certificate(path: string): string {
  try {
    return readFileSync(path, 'utf8')
  } catch (cause) {
    throw new ShiplogError('CONFIG_INVALID', `cannot read the certificate ${path}: ${messageOf(cause)}`, { cause })
  }
}

function invalid(message: string): ShiplogError {
  return new ShiplogError('CONFIG_INVALID', message, { hint: `Write ${form}.` })
}
