/**
 * The encodings of log files, and the rule by which a record gives back the bytes of its file. Pure.
 *
 * Bytes that are valid in their encoding come back exactly; where they would not (invalid bytes, mixed line ends, a byte
 * order mark, characters with two codes), the record carries them as `raw`. `needsRaw` decides by trying, so the two
 * directions cannot disagree.
 */
import { isUtf8 } from 'node:buffer'
import iconv from 'iconv-lite'
import { ShiplogError } from './errors.ts'

/** Names as the record has them. GB18030 contains GBK and GB2312, so it stands for all three. */
export const encodings = ['utf-8', 'utf-16le', 'utf-16be', 'gb18030'] as const
export type Encoding = (typeof encodings)[number]

/** A byte order mark is text here: it is taken off where a file begins, by who knows that it begins there. */
const decoders = {
  'utf-16le': new TextDecoder('utf-16le', { ignoreBOM: true }),
  'utf-16be': new TextDecoder('utf-16be', { ignoreBOM: true }),
  gb18030: new TextDecoder('gb18030', { ignoreBOM: true }),
} as const

export function isEncoding(name: string): name is Encoding {
  return (encodings as readonly string[]).includes(name)
}

/** Bytes as text; what is not valid becomes U+FFFD, as the WHATWG Encoding Standard says. */
export function decodeText(bytes: Buffer, encoding: Encoding): string {
  return encoding === 'utf-8' ? bytes.toString('utf8') : decoders[encoding].decode(bytes)
}

/** Text as bytes, without a byte order mark. */
export function encodeText(text: string, encoding: Encoding): Buffer {
  switch (encoding) {
    case 'utf-8':
      return Buffer.from(text, 'utf8')
    case 'utf-16le':
      return Buffer.from(text, 'utf16le')
    case 'utf-16be':
      return Buffer.from(text, 'utf16le').swap16()
    case 'gb18030':
      // Node decodes GB18030, but has no encoder for it.
      return iconv.encode(text, 'gb18030')
  }
}

/**
 * `bytes[start, end)` as UTF-8. Valid UTF-8 comes back as a view of the same memory, everything else as a new buffer in
 * which invalid bytes are U+FFFD.
 */
export function toUtf8(bytes: Buffer, start: number, end: number, encoding: Encoding): Buffer {
  const part = bytes.subarray(start, end)
  if (encoding === 'utf-8' && isUtf8(part)) return part
  return Buffer.from(decodeText(part, encoding), 'utf8')
}

/** What of a record says which bytes it was in its file. */
export interface Original {
  /** UTF-8; the lines of an event are joined by `\n`, without the last line end. */
  readonly message: Buffer
  /** Length in the file, line ends included. */
  readonly bytes: number
  readonly encoding: Encoding
  readonly raw?: Buffer | undefined
}

/**
 * The bytes of an event in its file, line ends included.
 *
 * Let k be the line feeds in the message, u the bytes of one code unit, d = `bytes` − the bytes of the encoded message:
 *
 *     d = 0                 the message as it is: the last line has no line end
 *     d = u                 … and a line feed behind it
 *     d = (k + 2) · u       every line ends CR LF, the last one too
 *     d = k · u, k ≥ 2      CR LF between the lines, none at the end
 *
 * Every other d, and every event that this does not give back, has `raw`.
 * @throws ShiplogError STORE_DAMAGED when the record has another length and no `raw`.
 */
export function originalBytes(original: Original): Buffer {
  const bytes = original.raw ?? rebuilt(original.message, original.bytes, original.encoding)
  if (bytes === undefined) {
    throw new ShiplogError('STORE_DAMAGED', `a record of ${original.bytes} bytes does not say which bytes they were`, {
      hint: 'The record was changed after it was shipped.',
    })
  }
  return bytes
}

/** True when `message`, the length and the encoding alone do not give `original` back. */
export function needsRaw(message: Buffer, original: Buffer, encoding: Encoding): boolean {
  // Nearly every event is valid UTF-8 with one line feed behind it: no copy for those.
  if (encoding === 'utf-8' && original.length === message.length + 1) {
    return original[message.length] !== lineFeed || message.compare(original, 0, message.length) !== 0
  }
  return rebuilt(message, original.length, encoding)?.equals(original) !== true
}

const lineFeed = 0x0a

function rebuilt(message: Buffer, bytes: number, encoding: Encoding): Buffer | undefined {
  const text = message.toString('utf8')
  const encoded = encoding === 'utf-8' ? message : encodeText(text, encoding)
  const unit = encoding === 'utf-16le' || encoding === 'utf-16be' ? 2 : 1
  const more = bytes - encoded.length
  if (more === 0) return encoded
  if (more === unit) return Buffer.concat([encoded, encodeText('\n', encoding)])
  const joints = text.split('\n').length - 1
  if (more === (joints + 2) * unit) return encodeText(`${text.replaceAll('\n', '\r\n')}\r\n`, encoding)
  if (more === joints * unit && joints >= 2) return encodeText(text.replaceAll('\n', '\r\n'), encoding)
  return undefined
}
