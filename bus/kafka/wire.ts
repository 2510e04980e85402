/**
 * The two requests whose records are bytes of our own: Produce 9 and Fetch 12, which every broker from 2.8 to 4.x
 * understands. Source: https://kafka.apache.org/protocol. Everything else is asked through the client's own calls.
 */
import { type Connection, createAPI, type Reader, type Writer, Writer as WriterClass } from '@platformatic/kafka'

export interface ProduceRequest {
  readonly topic: string
  readonly partition: number
  /** A record batch: its header and its records. */
  readonly header: Buffer
  readonly records: Buffer
  readonly timeoutMs: number
}

export interface ProduceAnswer {
  /** Of the protocol; 0 = durable on every replica that is in sync. */
  readonly code: number
  readonly message: string | null
}

const allReplicas = -1

const produceApi = createAPI<[ProduceRequest], ProduceAnswer>(0, 9, writeProduce, readProduce)

function writeProduce({ topic, partition, header, records, timeoutMs }: ProduceRequest): Writer {
  return WriterClass.create()
    .appendString(null)
    .appendInt16(allReplicas)
    .appendInt32(timeoutMs)
    .appendArray([topic], (topics, name) => {
      topics.appendString(name).appendArray([partition], (partitions, index) => {
        partitions
          .appendInt32(index)
          .appendUnsignedVarInt(header.length + records.length + 1)
          .append(header)
          .append(records)
      })
    })
    .appendTaggedFields()
}

function readProduce(_correlation: number, _key: number, _version: number, reader: Reader): ProduceAnswer {
  const answers = reader.readArray(
    (topics) => {
      topics.readString()
      const partitions = topics.readArray(readProducedPartition, true, false)
      topics.readTaggedFields()
      return partitions
    },
    true,
    false,
  )
  return answers[0]?.[0] ?? { code: -1, message: 'an answer without a partition' }
}

function readProducedPartition(reader: Reader): ProduceAnswer {
  reader.readInt32()
  const code = reader.readInt16()
  // Base offset, append time, start of the log.
  for (let i = 0; i < 3; i++) reader.readInt64()
  const records = reader.readArray((record) => {
    record.readInt32()
    return record.readNullableString()
  })
  const message = reader.readNullableString()
  reader.readTaggedFields()
  return { code, message: message ?? records[0] ?? null }
}

export function produce(connection: Connection, request: ProduceRequest): Promise<ProduceAnswer> {
  return produceApi.async(connection, request)
}

export interface FetchPlace {
  readonly topic: string
  readonly partition: number
  /** The next record that is wanted. */
  offset: number
}

export interface FetchRequest {
  readonly places: readonly FetchPlace[]
  readonly waitMsMax: number
  readonly bytesMax: number
  readonly partitionBytesMax: number
}

export interface FetchedPartition {
  readonly topic: string
  readonly partition: number
  readonly code: number
  /** Behind the last record that can be read now. */
  readonly endOffset: number
  readonly startOffset: number
  /** Record batches, the last of them maybe cut off. */
  readonly records: Buffer
}

const fetchApi = createAPI<[FetchRequest], FetchedPartition[]>(1, 12, writeFetch, readFetch)
const noRecords = Buffer.alloc(0)

function writeFetch({ places, waitMsMax, bytesMax, partitionBytesMax }: FetchRequest): Writer {
  const topics = [...Map.groupBy(places, ({ topic }) => topic)]
  return (
    WriterClass.create()
      .appendInt32(-1)
      .appendInt32(waitMsMax)
      .appendInt32(1)
      .appendInt32(bytesMax)
      // What transactions of others have not committed is not read.
      .appendInt8(1)
      // No session: the places change with every request.
      .appendInt32(0)
      .appendInt32(-1)
      .appendArray(topics, (writer, [topic, group]) => {
        writer.appendString(topic).appendArray(group, (partitions, { partition, offset }) => {
          partitions
            .appendInt32(partition)
            .appendInt32(-1)
            .appendInt64(BigInt(offset))
            .appendInt32(-1)
            .appendInt64(-1n)
            .appendInt32(partitionBytesMax)
        })
      })
      .appendArray([], () => {})
      .appendString('')
      .appendTaggedFields()
  )
}

function readFetch(_correlation: number, _key: number, _version: number, reader: Reader): FetchedPartition[] {
  reader.readInt32()
  const code = reader.readInt16()
  reader.readInt32()
  if (code !== 0) throw new Error(`Kafka answers a fetch with error ${code}`)
  const topics = reader.readArray(
    (each) => {
      const topic = each.readString()
      const partitions = each.readArray((one) => readFetchedPartition(one, topic), true, false)
      each.readTaggedFields()
      return partitions
    },
    true,
    false,
  )
  return topics.flat()
}

function readFetchedPartition(reader: Reader, topic: string): FetchedPartition {
  const partition = reader.readInt32()
  const code = reader.readInt16()
  reader.readInt64()
  // The last stable offset: what can be read ends there.
  const endOffset = Number(reader.readInt64())
  const startOffset = Number(reader.readInt64())
  reader.readNullableArray((one) => {
    one.readInt64()
    one.readInt64()
  })
  reader.readInt32()
  // Copied: the memory belongs to the connection.
  const records = Buffer.from(reader.readNullableBytes() ?? noRecords)
  reader.readTaggedFields()
  return { topic, partition, code, endOffset, startOffset, records }
}

export function fetchRecords(connection: Connection, request: FetchRequest): Promise<FetchedPartition[]> {
  return fetchApi.async(connection, request)
}
