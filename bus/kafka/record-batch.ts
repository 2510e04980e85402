/**
 * Kafka's RecordBatch, version 2, written and read as bytes. Pure.
 * Source: https://kafka.apache.org/documentation/#recordbatch. Numbers in records are zigzag varints.
 *
 * A record's length stands before it and its value's length before the JSON, which is as long as it turns out to be: so
 * the JSON is written behind room for the lengths that it will most probably have, and is moved by a byte or two in the
 * rare case that it has others.
 */
import { crc32c } from '@node-rs/crc32'
import { ByteWriter } from '../../pipeline/byte-writer.ts'
import type { EventBatch } from '../../pipeline/event-batch.ts'
import { createRecordJsonWriter, type RecordJsonWriter } from '../../pipeline/record-json.ts'

export const headerBytes = 61
/** Two lengths, the key's length, attributes, two deltas and the number of headers: at the most so much beside key and value. */
const fixedBytesMax = 32

/** The records of one batch, without its header. */
export class RecordsWriter {
  readonly #out = new ByteWriter(256 * 1024)
  readonly #json: RecordJsonWriter = createRecordJsonWriter(this.#out)
  /** How many records are written. */
  count = 0

  get bytes(): number {
    return this.#out.at
  }

  /** What is written, as a view that the next write or `reset` overwrites. */
  view(): Buffer {
    return this.#out.view()
  }

  reset(): void {
    this.#out.reset()
    this.count = 0
  }

  /** Takes the last record back: `bytes` and `count` as they were before it. */
  backTo(bytes: number): void {
    this.#out.at = bytes
    this.count--
  }

  /** Event i as JSON, under the key of its source. */
  appendEvent(batch: EventBatch, i: number, key: Buffer): void {
    const value = this.#begin(key)
    this.#json.append(batch, i, batch.origin)
    this.#end(value, key)
  }

  append(key: Buffer, content: Uint8Array): void {
    const value = this.#begin(key)
    this.#out.copy(content)
    this.#end(value, key)
  }

  #start = 0

  /** Where the value begins when both lengths take two bytes: from 64 to 8191 bytes. */
  #begin(key: Buffer): number {
    const out = this.#out
    out.reserve(key.length + fixedBytesMax)
    this.#start = out.at
    return (out.at += 2 + 2 + varintBytes(this.count) + varintBytes(key.length) + key.length + 2)
  }

  #end(assumed: number, key: Buffer): void {
    const out = this.#out
    out.reserve(fixedBytesMax)
    const length = out.at - assumed
    // Attributes, time delta, offset delta, key, value, number of headers.
    const inner = 2 + varintBytes(this.count) + varintBytes(key.length) + key.length
    const recordLength = inner + varintBytes(length) + length + 1
    const value = this.#start + varintBytes(recordLength) + inner + varintBytes(length)
    const { bytes } = out
    if (value !== assumed) bytes.copyWithin(value, assumed, out.at)
    let at = putVarint(bytes, this.#start, recordLength)
    bytes[at++] = 0
    bytes[at++] = 0
    at = putVarint(bytes, at, this.count)
    at = putVarint(bytes, at, key.length)
    bytes.set(key, at)
    putVarint(bytes, at + key.length, length)
    bytes[value + length] = 0
    out.at = value + length + 1
    this.count++
  }
}

export const codecs = { none: 0, gzip: 1, snappy: 2, lz4: 3, zstd: 4 } as const

export interface BatchHeader {
  readonly count: number
  readonly codec: number
  /** When it is published, ms since the epoch: with the events' own times a broker would delete a back-fill by retention. */
  readonly timestampMs: number
  readonly producerId: bigint
  readonly producerEpoch: number
  readonly sequence: number
}

/** The header that goes before `records` (compressed as `codec` says). */
export function headerOf(records: Uint8Array, header: BatchHeader): Buffer {
  const bytes = Buffer.alloc(headerBytes)
  bytes.writeInt32BE(headerBytes - 12 + records.length, 8)
  bytes.writeInt32BE(-1, 12)
  bytes[16] = 2
  bytes.writeInt16BE(header.codec, 21)
  bytes.writeInt32BE(header.count - 1, 23)
  bytes.writeBigInt64BE(BigInt(header.timestampMs), 27)
  bytes.writeBigInt64BE(BigInt(header.timestampMs), 35)
  bytes.writeBigInt64BE(header.producerId, 43)
  bytes.writeInt16BE(header.producerEpoch, 51)
  bytes.writeInt32BE(header.sequence, 53)
  bytes.writeInt32BE(header.count, 57)
  bytes.writeUInt32BE(crc32c(records, crc32c(bytes.subarray(21))), 17)
  return bytes
}

/** A batch as a broker sends it. */
export interface ReceivedBatch {
  readonly baseOffset: number
  readonly lastOffset: number
  readonly count: number
  readonly codec: number
  /** Markers of transactions: no records of anyone. */
  readonly isControl: boolean
  /** Still compressed. */
  readonly records: Buffer
}

/**
 * Takes a broker's record set apart. The last batch may be cut off and is left out then. Throws when a batch is of a
 * version that no broker since 0.11 writes, or its checksum is wrong.
 */
export function receivedBatches(set: Buffer): ReceivedBatch[] {
  const batches: ReceivedBatch[] = []
  for (let at = 0; at + headerBytes <= set.length; ) {
    const end = at + 12 + set.readInt32BE(at + 8)
    if (end > set.length) break
    if (set[at + 16] !== 2) throw new Error(`the record batch has version ${set[at + 16]}, not 2`)
    if (crc32c(set.subarray(at + 21, end)) !== set.readUInt32BE(at + 17)) throw new Error('the record batch is damaged')
    const baseOffset = Number(set.readBigInt64BE(at))
    const attributes = set.readInt16BE(at + 21)
    batches.push({
      baseOffset,
      lastOffset: baseOffset + set.readInt32BE(at + 23),
      count: set.readInt32BE(at + 57),
      codec: attributes & 7,
      isControl: (attributes & 32) !== 0,
      records: set.subarray(at + headerBytes, end),
    })
    at = end
  }
  return batches
}

/** Calls `each` with the key and value of every record (decompressed): [start, end) in `records`; start = -1 for null. */
export function readRecords(
  records: Buffer,
  count: number,
  each: (offsetDelta: number, keyStart: number, keyEnd: number, valueStart: number, valueEnd: number) => void,
): void {
  const cursor = { at: 0 }
  for (let i = 0; i < count; i++) {
    const length = readVarint(records, cursor)
    const end = cursor.at + length
    if (!(length > 0) || end > records.length) throw new Error('a record is longer than its batch')
    cursor.at++
    skipVarint(records, cursor)
    const offsetDelta = readVarint(records, cursor)
    const keyLength = readVarint(records, cursor)
    const keyStart = keyLength < 0 ? -1 : cursor.at
    if (keyLength > 0) cursor.at += keyLength
    const keyEnd = cursor.at
    const valueLength = readVarint(records, cursor)
    const valueStart = valueLength < 0 ? -1 : cursor.at
    const valueEnd = cursor.at + Math.max(0, valueLength)
    if (valueEnd > end) throw new Error('a value is longer than its record')
    each(offsetDelta, keyStart, keyEnd, valueStart, valueEnd)
    cursor.at = end
  }
}

/** Bytes of a number ≥ 0 (below 2^30) as a zigzag varint. */
function varintBytes(value: number): number {
  return value < 64 ? 1 : value < 8192 ? 2 : value < 1 << 20 ? 3 : value < 1 << 27 ? 4 : 5
}

/** Writes a number ≥ 0 (below 2^30); returns the end. */
function putVarint(out: Buffer, from: number, value: number): number {
  let at = from
  let rest = value << 1
  for (; rest > 127; rest >>>= 7) out[at++] = (rest & 127) | 128
  out[at++] = rest
  return at
}

function readVarint(bytes: Buffer, cursor: { at: number }): number {
  let value = 0
  for (let shift = 0; shift < 35; shift += 7) {
    const byte = bytes[cursor.at++] as number
    value |= (byte & 127) << shift
    if (byte < 128) return (value >>> 1) ^ -(value & 1)
  }
  throw new Error('a number in a record does not end')
}

/** Time deltas may need 64 bits and are not needed here. */
function skipVarint(bytes: Buffer, cursor: { at: number }): void {
  while ((bytes[cursor.at++] as number) > 127);
}
