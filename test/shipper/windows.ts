/** Reads bytes as a tail does, window by window, with everything that time decides given by the test. */
import { isAscii } from 'node:buffer'
import { type EventColumns, messageBytes } from '../../pipeline/event-batch.ts'
import { levels } from '../../pipeline/record.ts'
import { type LineReaders, type Position, type Reading, readersOf } from '../../shipper/events.ts'
import { changeOf, learn, type Settings, unlearnt, wantsLearning, wantsLearningFromStart } from '../../shipper/learn.ts'
import { eventsIn } from '../../shipper/wrapped-events.ts'

export interface Seen {
  readonly offset: number
  readonly bytes: number
  readonly message: string
  readonly time: number
  readonly timeFrom: number
  readonly level: string
  readonly encoding: string
  readonly continues: string | undefined
  readonly raw: Buffer | undefined
}

export interface ReadWindow {
  readonly from: Position
  readonly to: number
  readonly reading: Reading
  readonly readAt: number
  readonly seen: readonly Seen[]
}

/** The next look at the file: how far it has grown, and what a quiet time lets go. */
export interface Step {
  readonly size: number
  readonly take: 'nothing' | 'lines' | 'rest'
}

export const generation = 'g'
export const start: Position = { offset: 0, previousTime: undefined, open: undefined }

export const settings: Settings = {
  timezone: 'UTC',
  eventBytesMax: 512 * 1024,
  eventLinesMax: 5000,
  multiline: 'auto',
}

export function seenIn(columns: EventColumns, encoding: string): Seen[] {
  return Array.from({ length: columns.count }, (_, i) => {
    const raw = columns.raw.get(i)
    return {
      offset: columns.offset[i] as number,
      bytes: columns.bytes[i] as number,
      message: messageBytes(columns, i).toString('utf8'),
      time: columns.time[i] as number,
      timeFrom: columns.timeFrom[i] as number,
      level: levels[columns.level[i] as number] as string,
      encoding: columns.encodings.get(i) ?? encoding,
      continues: columns.continues.get(i),
      raw: raw && Buffer.from(raw),
    }
  })
}

/** All windows of `content` under these steps; the last step must take the rest. */
export function readWindows(
  content: Buffer,
  steps: readonly Step[],
  options: { settings?: Partial<Settings>; referenceUs?: number; readAt?: number; reading?: Reading } = {},
): ReadWindow[] {
  let reading = options.reading ?? unlearnt({ ...settings, ...options.settings }, options.referenceUs ?? 0)
  let readers: LineReaders = readersOf(reading)
  let position = start
  let unstamped = 0
  let readAt = options.readAt ?? Date.UTC(2026, 10, 24) * 1000
  const windows: ReadWindow[] = []
  for (const { size, take } of steps) {
    readAt += 1000
    const chunk = content.subarray(position.offset, size)
    if (chunk.length === 0) continue
    if (options.reading === undefined && wantsLearningFromStart(reading, position.offset)) {
      reading = learn(reading, content.subarray(0, Math.min(size, 64 * 1024)), 0)
      readers = readersOf(reading)
    }
    if (options.reading === undefined && wantsLearning(reading, unstamped, isAscii(chunk))) {
      reading = learn(reading, chunk, position.offset)
      readers = readersOf(reading)
    }
    const context = { generation, readAt, takeRest: take === 'rest', takeLines: take === 'lines' }
    let events = eventsIn(chunk, position, reading, readers, context)
    const change =
      options.reading === undefined ? changeOf(reading, chunk, position.offset, events, unstamped) : undefined
    if (change !== undefined && change.at > 0) {
      const before = chunk.subarray(0, change.at)
      events = eventsIn(before, position, reading, readers, { ...context, takeLines: true })
      const seen = seenIn(events.columns, reading.encoding)
      windows.push({ from: position, to: events.next.offset, reading, readAt, seen })
      position = events.next
    }
    if (change !== undefined) {
      reading = change.reading
      readers = readersOf(reading)
      unstamped = 0
      events = eventsIn(content.subarray(position.offset, size), position, reading, readers, context)
    }
    if (events.columns.count === 0) continue
    unstamped = events.stamped ? events.unstamped : unstamped + events.unstamped
    const seen = seenIn(events.columns, reading.encoding)
    windows.push({ from: position, to: events.next.offset, reading, readAt, seen })
    position = events.next
  }
  return windows
}

/** The window again, as after a crash: from what the checkpoint has of it. */
export function replayed(content: Buffer, window: ReadWindow): Seen[] {
  const { to, readAt } = window
  const { from, reading } = JSON.parse(JSON.stringify(window)) as ReadWindow
  const context = { generation, readAt, takeRest: true }
  const { columns } = eventsIn(content.subarray(from.offset, to), from, reading, readersOf(reading), context)
  return seenIn(columns, reading.encoding)
}

/**
 * The messages as a reader shows them: what continues an event is put behind it, with the blank lines that stand
 * between the two. Parts of a line that was cut (`torn` offsets) follow without a line feed.
 */
export function folded(seen: readonly Seen[], isTorn: (offset: number) => boolean): { offset: number; text: string }[] {
  const events: { offset: number; text: string }[] = []
  let head = -1
  for (const [i, record] of seen.entries()) {
    if (record.continues === undefined) {
      events.push({ offset: record.offset, text: record.message })
      if (record.message !== '') head = events.length - 1
      continue
    }
    const event = events[head]
    if (event === undefined || record.continues !== `${generation}-${event.offset}`) throw new Error(`link of ${i}`)
    const blanks = events.splice(head + 1)
    for (const blank of blanks) {
      if (blank.text !== '') throw new Error(`what ${i} continues is not the event before`)
      event.text += '\n'
    }
    event.text += isTorn(record.offset) ? record.message : `\n${record.message}`
  }
  return events
}
