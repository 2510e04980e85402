/** What goes wrong with Kafka, as a ShiplogError that says what to do. Pure. */
import { AuthenticationError, findErrorBy, NetworkError, TimeoutError } from '@platformatic/kafka'
import { messageOf, ShiplogError } from '../../pipeline/errors.ts'

/** Codes of the protocol that are decided upon; source: https://kafka.apache.org/protocol#protocol_error_codes */
export const kafkaCodes = {
  none: 0,
  offsetOutOfRange: 1,
  unknownTopic: 3,
  leaderNotAvailable: 5,
  notLeader: 6,
  messageTooLarge: 10,
  recordListTooLarge: 18,
  topicAuthorizationFailed: 29,
  clusterAuthorizationFailed: 31,
  topicExists: 36,
  outOfOrderSequence: 45,
  duplicateSequence: 46,
  invalidProducerEpoch: 47,
  invalidProducerIdMapping: 49,
  unknownProducerId: 59,
  fencedLeaderEpoch: 74,
  invalidRecord: 87,
} as const

const refusals: Readonly<Record<string, (what: string) => string>> = {
  TOPIC_AUTHORIZATION_FAILED: (what) =>
    `Allow this user Describe, Read and Write on ${what}, and Create where it is missing.`,
  GROUP_AUTHORIZATION_FAILED: () => 'Allow this user Read on its consumer group.',
  CLUSTER_AUTHORIZATION_FAILED: () =>
    'Allow this user IdempotentWrite on the cluster, and Create where topics are missing.',
  INVALID_RECORD: () => 'A rule of the topic forbids the records: look at its configuration.',
  POLICY_VIOLATION: () => 'A policy of the brokers forbids it: have the topic made by who may.',
  INVALID_REPLICATION_FACTOR: () => 'There are fewer brokers than --topic-replicas.',
}

/**
 * Whatever Kafka or its client threw. Always to be tried again: rights, topics and passwords are put right on the
 * brokers, and what is to be shipped waits in its files until then.
 */
export function kafkaFault(error: unknown, doing: string, what: string): ShiplogError {
  if (error instanceof ShiplogError) return error
  const found = error instanceof Error ? error : new Error(messageOf(error))
  for (const [id, hint] of Object.entries(refusals)) {
    if (findErrorBy(found, 'apiId', id) !== null) return refused(`${doing}: Kafka says ${id}`, hint(what), error)
  }
  if (isLoginError(found))
    return refused(`${doing}: Kafka refuses the login`, 'Check --kafka-user, --kafka-password and --kafka-sasl.', error)
  const { message, code = '' } = innermost(found)
  return new ShiplogError('BUS_UNAVAILABLE', `${doing}: ${message || found.message}`, {
    retryable: true,
    hint: connectHints.find(([why]) => why.test(`${code} ${message}`))?.[1] ?? reachHint,
    cause: error,
  })
}

const reachHint =
  'Check that the brokers of --bus are up and can be reached from here, also by the names that they advertise.'
/** By the codes of OpenSSL and the words of the client. */
const connectHints: readonly (readonly [why: RegExp, hint: string])[] = [
  [
    /SELF_SIGNED|UNABLE_TO_(VERIFY|GET)|CERT_UNTRUSTED/,
    'Give the certificate of the authority that signed the brokers’ as --kafka-ca.',
  ],
  [/ALTNAME/, 'Name the brokers in --bus, and in what they advertise, as their certificates do.'],
  [/CERT_HAS_EXPIRED|CERT_NOT_YET_VALID/, 'Renew the certificate of the broker; is the clock of this machine right?'],
  [/requires TLS/, 'Speak TLS to the brokers: --kafka-tls.'],
  [/secure TLS connection|WRONG_VERSION_NUMBER/, 'This port of the broker may speak no TLS: see its listeners.'],
  [
    /Connection closed/,
    'Check that the brokers of --bus are up. One that closes each connection wants a login (--kafka-user), or TLS (--kafka-tls).',
  ],
]

export function refused(message: string, hint: string, cause?: unknown): ShiplogError {
  return new ShiplogError('BUS_REFUSED', message, { retryable: true, hint, cause })
}

/** A connection that ends in the middle of the login is no refusal: the broker is stopped just then, or speaks TLS. */
function isLoginError(error: Error): boolean {
  for (let at: unknown = error, depth = 0; at instanceof Error && depth < depthMax; at = at.cause, depth++) {
    if (at instanceof AuthenticationError)
      return !(at.cause instanceof NetworkError || at.cause instanceof TimeoutError)
    if (at instanceof AggregateError && at.errors.some((one) => one instanceof Error && isLoginError(one))) return true
  }
  return false
}

/** Clients wrap: what happened stands at the bottom. */
function innermost(error: Error & { code?: string }): Error & { code?: string } {
  let at = error
  for (let depth = 0; depth < depthMax; depth++) {
    const next: unknown = at instanceof AggregateError && at.errors.length > 0 ? at.errors.at(-1) : at.cause
    if (!(next instanceof Error)) break
    at = next
  }
  return at
}

const depthMax = 8
