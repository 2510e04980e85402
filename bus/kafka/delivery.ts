/**
 * What a group's reader brings, gathered into pieces of bounded size and handed over; only what was handled is committed.
 * A message that is no record never stops those behind it: it is kept among the rejects, with the reason.
 */
import type { Logger } from 'pino'
import { type BusHandlers, type FileState, fileStateKey } from '../../pipeline/bus.ts'
import { messageOf } from '../../pipeline/errors.ts'
import { retryForever } from '../../pipeline/retry.ts'
import { EventReader } from './event-reader.ts'
import type { Sink, Unpacked } from './reader.ts'
import { readRecords } from './record-batch.ts'
import { type KeyedMessage, poisonMessage } from './rejects.ts'
import { filesSuffix } from './topics.ts'
import type { FetchPlace } from './wire.ts'

/** Handed over at once: message bytes as they lie on the topic. */
const deliveryBytesMax = 4 * 1024 * 1024

export interface DeliveryParts {
  readonly handlers: BusHandlers
  /** Keeps messages that are no records; durable when it resolves. */
  readonly keepPoison: (topic: string, messages: readonly KeyedMessage[]) => Promise<void>
  /** Everything before these places is handled. */
  readonly handled: (places: readonly FetchPlace[]) => void
  readonly log: Logger
}

export function createDelivery(parts: DeliveryParts, signal: AbortSignal): Sink {
  const { handlers, log } = parts
  const reader = new EventReader()
  /** The newest of each file: only that counts. */
  let states = new Map<string, FileState>()
  let poison = new Map<string, KeyedMessage[]>()
  let ends = new Map<FetchPlace, number>()

  async function deliver(): Promise<void> {
    if (ends.size === 0) return
    const batches = reader.take()
    const steps: (() => Promise<void>)[] = []
    if (batches.length > 0) steps.push(() => handlers.events(batches, signal))
    for (const state of states.values()) steps.push(() => handlers.files([state]))
    for (const [topic, messages] of poison) steps.push(() => parts.keepPoison(topic, messages))
    const places = [...ends].map(([place, offset]) => ({ ...place, offset }))
    states = new Map()
    poison = new Map()
    ends = new Map()
    // Each by itself: what is done is not done again because another one fails, or a store that fails now and then gets nowhere.
    for (const step of steps) await untilHandled(step)
    parts.handled(places)
  }

  async function untilHandled(step: () => Promise<void>): Promise<void> {
    let told: string | undefined
    const handle = async (): Promise<void> => {
      try {
        await step()
      } catch (error) {
        // Whatever it is, it is tried again: nothing that came from the bus may be passed over.
        throw new Error(messageOf(error), { cause: error })
      }
    }
    await retryForever(handle, {
      signal,
      onRetry: (error) => {
        const message = messageOf(error)
        if (told !== message)
          log.error(`cannot handle what the bus delivers: ${message}. Trying again; nothing is lost.`)
        told = message
      },
    })
    if (told !== undefined) log.info('what the bus delivers is handled again')
  }

  function readState(value: Buffer): void {
    try {
      const state = JSON.parse(value.toString()) as FileState
      states.set(fileStateKey(state), state)
    } catch (error) {
      // The shipper repeats it.
      log.warn(`a file’s state on the bus cannot be read: ${messageOf(error)}`)
    }
  }

  function refuse(place: FetchPlace, offset: number, reason: string, value: Buffer): void {
    const from = `${place.topic}/${place.partition}/${offset}`
    log.error({ from, reason }, 'a message on the bus is no record; it is kept in the rejects')
    const list = poison.get(place.topic) ?? []
    list.push(poisonMessage(reason, from, value))
    poison.set(place.topic, list)
  }

  return {
    async batch(place, { records, count, baseOffset, from }: Unpacked, end) {
      const isFiles = place.topic.endsWith(filesSuffix)
      readRecords(records, count, (delta, _keyStart, _keyEnd, start, valueEnd) => {
        const offset = baseOffset + delta
        if (offset < from) return
        if (isFiles) {
          if (start >= 0) readState(records.subarray(start, valueEnd))
          return
        }
        const why = start < 0 ? 'it is empty' : reader.read(records, start, valueEnd)
        if (why !== undefined) refuse(place, offset, why, records.subarray(Math.max(0, start), valueEnd))
      })
      ends.set(place, end)
      if (reader.bytes >= deliveryBytesMax) await deliver()
    },
    answered: deliver,
  }
}
