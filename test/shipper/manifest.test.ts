/**
 * The logs of real programs, read as the shipper reads them: every file has the events, the errors, the first and the
 * last time that its manifest says, found without any configuration but the zone that its stamps do not write.
 */
import { describe, expect, test } from 'vitest'
import { createRandom } from '../../demo/random.ts'
import { levels, parseTime } from '../../pipeline/record.ts'
import { blanksBetween, readSample, type SampleFile, sampleFiles, zoneOf } from './samples.ts'
import { type ReadWindow, readWindows, replayed, type Seen, type Step } from './windows.ts'

const referenceUs = Date.UTC(2026, 10, 23) * 1000
const readAt = Date.UTC(2026, 10, 23, 6) * 1000
const chunkBytes = 512 * 1024

function read(file: SampleFile, steps: readonly Step[]): ReadWindow[] {
  return readWindows(readSample(file), steps, { settings: { timezone: zoneOf(file) }, referenceUs, readAt })
}

/** As much as there is, then the rest. */
const whole = (file: SampleFile): Step[] => [
  { size: file.bytes, take: 'nothing' },
  { size: file.bytes, take: 'rest' },
]

/** The file as it grows by a few hundred bytes from look to look, never quiet. */
function small(file: SampleFile, seed: number): Step[] {
  const random = createRandom(seed)
  const steps: Step[] = []
  for (let size = 0; size < file.bytes; ) {
    size = Math.min(file.bytes, size + 1 + random.below(file.bytes > 200_000 ? 20_000 : 2000))
    steps.push({ size, take: 'nothing' })
  }
  return [...steps, { size: file.bytes, take: 'rest' }]
}

function errorsOf(seen: readonly Seen[]): number {
  return seen.filter((event) => levels.indexOf(event.level as (typeof levels)[number]) >= levels.indexOf('error'))
    .length
}

function check(file: SampleFile, windows: readonly ReadWindow[]): void {
  const seen = windows.flatMap((window) => window.seen)
  expect(seen.filter((event) => event.continues !== undefined)).toEqual([])
  // What the manifest counts otherwise, as no line is dropped here: klog's preamble is an event ("begins with klog's
  // four-line preamble, which is not counted as an event"), and blank lines between two events are records.
  const preamble = seen.filter((event) => event.message.startsWith('Log file created at: '))
  expect(preamble.length).toBe(file.preamble_lines === undefined ? 0 : 1)
  const blanks = seen.filter((event) => event.message === '')
  expect(blanks.length).toBe(blanksBetween(file))
  const events = seen.filter((event) => !preamble.includes(event) && !blanks.includes(event))
  expect(events.length).toBe(file.events)
  expect(errorsOf(seen)).toBe(file.errors ?? 0)
  let offset = 0
  for (const event of seen) {
    expect(event.offset).toBe(offset)
    offset += event.bytes
  }
  expect(offset).toBe(file.bytes)
  if (seen.length === 0) return
  expect(second(seen[0]?.time as number)).toBe(second(parseTime(file.first_event_utc as string)))
  expect(second(seen.at(-1)?.time as number)).toBe(second(parseTime(file.last_event_utc as string)))
  if (file.longest_event_lines) {
    const lines = events.map((event) => event.message.split('\n').length)
    expect(Math.max(...lines)).toBe(file.longest_event_lines)
  }
}

function second(us: number): number {
  return Math.floor(us / 1_000_000)
}

const files = sampleFiles.map((file) => [file.path, file] as const)

describe('the events of the manifest', () => {
  test.each(files)('%s, read at once', (_, file) => {
    expect(file.bytes).toBeLessThan(chunkBytes)
    check(file, read(file, whole(file)))
  })

  test.each(files)('%s, read as it grows', (_, file) => {
    const once = read(file, whole(file)).flatMap((window) => window.seen)
    for (let seed = 1; seed <= 5; seed++) {
      const windows = read(file, small(file, seed))
      const seen = windows.flatMap((window) => window.seen)
      // In a syslog file without levels the first look may see one program only, whose messages begin with a level.
      const isFirstWordALevel = file.path === 'legacy/legacy-db01/var/log/messages'
      if (isFirstWordALevel) {
        const withoutLevel = (event: Seen): Seen => ({ ...event, level: 'none' })
        expect(seen.map(withoutLevel)).toEqual(once)
        continue
      }
      expect(seen).toEqual(once)
      check(file, windows)
    }
  })

  test.each(files)('%s, each window read again', (_, file) => {
    const content = readSample(file)
    for (const window of read(file, small(file, 7))) expect(replayed(content, window)).toEqual(window.seen)
  })
})
