/**
 * The topic of what was refused: `{"reason":…,"record":…}` for what the store refused, and for a message that is no record
 * `{"reason":…,"from":"topic/partition/offset","value":…}` with its bytes in base64. Pure.
 */
import type { Rejected } from '../../pipeline/bus.ts'
import { recordOf } from '../../pipeline/event-batch.ts'
import { sourceKey } from '../../pipeline/record.ts'
import type { Sendable } from './producer.ts'
import type { RecordsWriter } from './record-batch.ts'

export interface KeyedMessage {
  readonly key: Buffer
  readonly value: Buffer
}

export function rejectedMessages({ batch, reason }: Rejected): KeyedMessage[] {
  const key = Buffer.from(sourceKey(batch.origin.source))
  return Array.from({ length: batch.count }, (_, i) => ({
    key,
    value: Buffer.from(JSON.stringify({ reason, record: recordOf(batch, i, batch.origin) })),
  }))
}

export function poisonMessage(reason: string, from: string, value: Buffer): KeyedMessage {
  return {
    key: Buffer.from(from),
    value: Buffer.from(JSON.stringify({ reason, from, value: value.toString('base64') })),
  }
}

export function sendableOf(messages: readonly KeyedMessage[]): Sendable {
  return {
    count: messages.length,
    write(writer: RecordsWriter, from: number, to: number, bytesMax: number): number {
      for (let at = from; at < to; at++) {
        const { key, value } = messages[at] as KeyedMessage
        if (writer.count > 0 && writer.bytes + key.length + value.length > bytesMax) return at
        writer.append(key, value)
      }
      return to
    },
  }
}
