/**
 * Tokens: who may ask the query API, and for what. A token is `shiplog_<id>_<secret>`; the id is public (lists and the
 * audit log name it), the secret is 256 random bits and is kept nowhere, only its hash.
 */
import { createHash, randomBytes, timingSafeEqual } from 'node:crypto'

/**
 * reader: the logs that its grants name. operator: those, and how the pipeline is (metrics, details of health); it may
 * also change what others have saved and shared.
 */
export const roles = ['reader', 'operator'] as const
export type Role = (typeof roles)[number]

export interface Token {
  /** 12 hexadecimal digits. */
  readonly id: string
  /** Who: a person or a program. Several tokens may be one's, so that one can be renewed while the other is still in use. */
  readonly name: string
  readonly role: Role
  /** `cluster/app`, each with `*` for any characters: `prod/order-*`. Case-sensitive. */
  readonly grants: readonly string[]
  /** SHA-256 of the whole token, hexadecimal. */
  readonly hash: string
  /** ISO 8601. */
  readonly createdAt: string
  /** ISO 8601; undefined = never ends. */
  readonly expiresAt?: string
}

export const tokenPattern = /^shiplog_([0-9a-f]{12})_[A-Za-z0-9_-]{43}$/
/** Where one stands in other text: what must never show one replaces it. */
export const tokensInText = /shiplog_[0-9a-f]{12}_[A-Za-z0-9_-]+/g
export const grantPattern = /^[^/\s]{1,63}\/[^/]{1,255}$/
export const tokenNamePattern = /^[\p{L}\p{N}._@-]{1,64}$/u

/** The new token, and its text, which is shown once. */
export function makeToken(
  { name, role, grants, days }: { name: string; role: Role; grants: readonly string[]; days: number },
  nowMs: number,
): { token: Token; text: string } {
  const id = randomBytes(6).toString('hex')
  const text = `shiplog_${id}_${randomBytes(32).toString('base64url')}`
  const expiresAt = days === 0 ? {} : { expiresAt: new Date(nowMs + days * 86_400_000).toISOString() }
  const createdAt = new Date(nowMs).toISOString()
  return { token: { id, name, role, grants, hash: hashOf(text), createdAt, ...expiresAt }, text }
}

/**
 * SHA-256, not scrypt or its kin: those make guessing a password slow, and there is nothing to guess in 256 random bits.
 * What they cost (tens of milliseconds and megabytes) would be paid with every request, by whoever sends any nonsense.
 */
export function hashOf(secret: string): string {
  return createHash('sha256').update(secret).digest('hex')
}

/** Takes as long for a secret that differs in its first character as for one that differs in its last. */
export function isSecretOf(hash: string, secret: string): boolean {
  const given = Buffer.from(hashOf(secret), 'hex')
  const known = Buffer.from(hash, 'hex')
  return known.length === given.length && timingSafeEqual(known, given)
}

export function isExpired({ expiresAt }: Pick<Token, 'expiresAt'>, nowMs: number): boolean {
  return expiresAt !== undefined && Date.parse(expiresAt) <= nowMs
}
