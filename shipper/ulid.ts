/** ULIDs in lower case (github.com/ulid/spec): 10 characters of milliseconds, 16 of randomness, Crockford's base 32. */
import { randomBytes } from 'node:crypto'

const alphabet = '0123456789abcdefghjkmnpqrstvwxyz'

/** A new id whose time part is `ms` (since the epoch, 0 to 2^48 - 1). */
export function ulid(ms: number): string {
  let time = ''
  for (let left = ms, i = 0; i < 10; i++) {
    time = alphabet[left % 32] + time
    left = Math.floor(left / 32)
  }
  let random = ''
  for (const byte of randomBytes(16)) random += alphabet[byte & 31]
  return time + random
}

/** The time part of an id, ms since the epoch. */
export function ulidMs(id: string): number {
  let ms = 0
  for (const character of id.slice(0, 10)) ms = ms * 32 + alphabet.indexOf(character)
  return ms
}
