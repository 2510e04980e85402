/**
 * What a full block may hold, for wildcards inside words: the three-letter pieces ("grams") of its messages as a bitmap. A
 * block without one of the grams of `rror` is not decompressed for `*rror*`. Pure.
 *
 *     row = flags (1 byte) | 16,000 bits: bit g % 16000 for each gram g
 *
 * Letters fold case and two digits share a class, so that a character is one of 31 classes and a gram is 15 bits. Pieces that
 * run over the end of a message are in it too: a bit too many costs a look into a block, a bit too few would lose a line.
 */

/** With its header, two rows fill a page of 4096 bytes. */
const bitsMax = 16_000
const rowBytes = 1 + bitsMax / 8

/** A message spells letters as JSON escapes (`\u0065rror`): its fields have more than its bytes say. */
const flagEscapes = 1

/** Class of every byte that is no ASCII letter and no digit. */
const separator = 31
const classOf = new Uint8Array(256).fill(separator)
for (let letter = 0; letter < 26; letter++) {
  classOf[0x61 + letter] = letter
  classOf[0x41 + letter] = letter
}
for (let digit = 0; digit < 10; digit++) classOf[0x30 + digit] = 26 + (digit >> 1)

/** All grams without a separator. */
const grams = Uint16Array.from(
  Array.from({ length: 2 ** 15 }, (_, gram) => gram).filter(
    (gram) => (gram & 31) !== separator && ((gram >> 5) & 31) !== separator && gram >> 10 !== separator,
  ),
)

/** By gram: 1 = it was met. Kept between calls, and zeroes between them. */
const met = new Uint8Array(2 ** 15)

/** Characters beyond ASCII that are ASCII in lower case: K (Kelvin) and İ. */
const strangers = [Buffer.from('\u212a'), Buffer.from('\u0130')]
/** The beginnings of the escapes of ASCII and of those two. Hex digits have either case, `\u` has one. */
const letterEscapes = ['\\u00', '\\u212', '\\u013']

/** The row of a block with these messages, one behind the other; undefined when no gram would be certain. */
export function gramsOfBlock(text: Buffer, end: number): Uint8Array | undefined {
  const bytes = text.subarray(0, end)
  if (strangers.some((stranger) => bytes.includes(stranger))) return undefined
  // No branch in this loop: each byte of each message goes through it, about a nanosecond each.
  let gram = 2 ** 15 - 1
  for (let at = 0; at < end; at++) {
    gram = ((gram << 5) | (classOf[bytes[at] as number] as number)) & 0x7fff
    met[gram] = 1
  }
  const row = new Uint8Array(rowBytes)
  for (let i = 0; i < grams.length; i++) {
    const one = grams[i] as number
    if (met[one] === 0) continue
    const bit = one % bitsMax
    row[1 + (bit >> 3)] = (row[1 + (bit >> 3)] as number) | (1 << (bit & 7))
  }
  met.fill(0)
  if (bytes.includes('\\u') && letterEscapes.some((start) => bytes.includes(start))) row[0] = flagEscapes
  return row
}

/** The bits of the grams of lower-case ASCII needles; empty when all of them are shorter than a gram. */
export function gramsOfNeedles(needles: readonly string[]): number[] {
  const bits = new Set<number>()
  for (const needle of needles) {
    for (let at = 0; at + 3 <= needle.length; at++) {
      let gram = 0
      for (let i = at; i < at + 3; i++) gram = (gram << 5) | (classOf[needle.charCodeAt(i)] as number)
      bits.add(gram % bitsMax)
    }
  }
  return [...bits]
}

/** False when no message of the row's block has all the needles; `escapes` = letters may be spelt as JSON escapes. */
export function mayHold(row: Uint8Array, bits: readonly number[], escapes: boolean): boolean {
  if (escapes && row[0] === flagEscapes) return true
  for (const bit of bits) if (((row[1 + (bit >> 3)] as number) & (1 << (bit & 7))) === 0) return false
  return true
}
