/** GET /patterns: the shapes of the lines that match, how many there are of each, and which of them are new. */
import { Type } from 'typebox'
import { ShiplogError } from '../pipeline/errors.ts'
import { messageBytes, originAt, type RecordBatch } from '../pipeline/event-batch.ts'
import { patternQuery, patternText } from '../pipeline/pattern-text.ts'
import { type Pattern, PatternTree, type Seen } from '../pipeline/pattern-tree.ts'
import { formatTime, levels, recordId, type Source } from '../pipeline/record.ts'
import type { Selection } from '../pipeline/store.ts'
import { type Api, type RouteParts, signalOf } from './routes.ts'
import { readSample, type Sample } from './sample.ts'
import * as schema from './schema.ts'
import { PatternsAnswer } from './schema-patterns.ts'
import { selectionOf } from './selection.ts'
import { withSeries } from './series.ts'

/** Bytes of a message that are looked at: enough for the first line of nearly every event. */
const messageBytesMax = 8 * 1024
/** UTF-16 units of an example. */
const exampleUnitsMax = 2000

const patternsParameters = schema.parameters({
  ...schema.Common,
  series: schema.series,
  limit: schema.whole(1, 500, 50, 'patterns'),
  sample: schema.whole(
    100,
    100_000,
    50_000,
    'lines that are looked at, at most; with compare half of them in each range',
  ),
  compare: Type.Optional(
    schema.oneOf(['previous'], { description: 'previous = with the range of the same length before this one' }),
  ),
  sort: schema.oneOf(['count', 'change'], {
    default: 'count',
    description: 'change = those whose share changed most first; needs compare',
  }),
})

interface Example extends Source {
  readonly id: string
  readonly time: string
  readonly message: string
}

export function patternsRoutes(api: Api, { visible, config, now }: RouteParts): void {
  api.get(
    '/patterns',
    {
      config: { access: 'logs' },
      schema: {
        summary: 'The shapes of the records that match: numbers, ids, addresses and paths masked',
        description:
          'Of more lines than sample some are looked at, spread over the whole range; count then says how many lines they stand for, and sample says how many were looked at. first, last and the example are of the lines that were looked at.',
        tags: ['search'],
        querystring: patternsParameters,
        response: schema.answers(PatternsAnswer, 'Most frequent first', 400, 422, 429, 503),
      },
    },
    async (request, reply) => {
      const started = performance.now()
      const { cluster, limit, sample: linesMax, compare, sort } = request.query
      if (sort === 'change' && compare === undefined) {
        throw new ShiplogError('QUERY_INVALID', 'sort=change needs something to compare with', {
          hint: 'Add compare=previous.',
        })
      }
      const nowMs = now()
      const signal = signalOf(reply)
      const { store } = visible(request)
      const asked = await withSeries(store, request.query, { signal, timeMsMax: config.searchTimeMsMax })
      const selection = { cluster, ...selectionOf(asked, nowMs) }
      const before = compare === undefined ? undefined : rangeBefore(selection, nowMs * 1000)
      const ranges = before === undefined ? [selection] : [{ ...selection, ...before }, selection]
      const tree = new PatternTree<Example>(ranges.length)
      // What is waited for is the looking, so a comparison takes no longer than one range does.
      const linesEach = Math.ceil(linesMax / ranges.length)
      const samples: Sample[] = []
      for (const [range, of] of ranges.entries()) {
        const timeMsMax = Math.max(1, config.searchTimeMsMax - (performance.now() - started))
        samples.push(
          await readSample(store, of, linesEach, { signal, timeMsMax }, (batch, i, weight) => {
            const message = textOf(batch, i)
            const level = batch.level[i] as number
            tree.add(message, level, batch.time[i] as number, weight, range, () => exampleOf(batch, i, message))
          }),
        )
      }
      const totals = samples.map(({ total }) => total)
      const found = tree.finish().map((pattern) => row(pattern, totals))
      const here = found.filter(({ lines }) => lines > 0)
      here.sort(sort === 'change' ? byChange : byCount)
      // Looked at, and handed out as an example of each at most.
      request.records = Math.min(limit, here.length)
      const other = tree.others.at(-1) as Seen
      return {
        total: totals.at(-1) as number,
        sample: statement(samples.at(-1) as Sample),
        patterns: here.slice(0, limit),
        more: Math.max(0, here.length - limit),
        other: Math.round(other.weight),
        ...(before === undefined
          ? {}
          : {
              previous: {
                from: formatTime(before.from),
                to: formatTime(before.to),
                total: totals[0] as number,
                sample: statement(samples[0] as Sample),
                other: Math.round((tree.others[0] as Seen).weight),
                gone: found
                  .filter(({ lines }) => lines === 0)
                  .sort(byPrevious)
                  .slice(0, limit)
                  .map(({ pattern, level, query, previous, example }) => ({
                    pattern,
                    level,
                    query,
                    ...previous,
                    example,
                  })),
              },
            }),
        tookMs: Math.round(performance.now() - started),
      }
    },
  )
}

/** The range of the same length that ends where this one begins. An open range ends now. */
function rangeBefore({ from, to }: Selection, nowUs: number): { from: number; to: number } {
  const end = Number.isFinite(to) ? to : Math.max(nowUs, from + 1)
  // Nothing is stamped before 1970; a range that reaches so far back is compared with what there can be.
  return { from: Math.max(0, from - (end - from)), to: from }
}

function statement({ total, lines, stretches }: Sample) {
  return { lines, of: total, exact: stretches === 0, stretches }
}

function textOf(batch: RecordBatch, i: number): string {
  const bytes = messageBytes(batch, i)
  return bytes.toString('utf8', 0, Math.min(bytes.length, messageBytesMax))
}

function exampleOf(batch: RecordBatch, i: number, message: string): Example {
  const { source, generation } = originAt(batch, i)
  return {
    id: recordId(generation, batch.offset[i] as number),
    time: formatTime(batch.time[i] as number),
    ...source,
    message: message.slice(0, exampleUnitsMax),
  }
}

function row(pattern: Pattern<Example>, totals: readonly number[]) {
  const here = pattern.seen.at(-1) as Seen
  const before = pattern.seen.length > 1 ? (pattern.seen[0] as Seen) : undefined
  const share = shareOf(here, totals.at(-1) as number)
  const shareBefore = before === undefined ? 0 : shareOf(before, totals[0] as number)
  return {
    pattern: patternText(pattern),
    level: levels[pattern.level] as string,
    count: Math.round(here.weight),
    share,
    lines: here.lines,
    first: here.lines === 0 ? null : formatTime(here.first),
    last: here.lines === 0 ? null : formatTime(here.last),
    query: patternQuery(pattern) ?? null,
    example: pattern.example,
    ...(before === undefined
      ? {}
      : {
          new: before.lines === 0,
          previous: { count: Math.round(before.weight), share: shareBefore, lines: before.lines },
          change: share - shareBefore,
        }),
  }
}

function shareOf({ weight }: Seen, total: number): number {
  return total === 0 ? 0 : Math.round((weight / total) * 1e6) / 1e6
}

type Row = ReturnType<typeof row>

function byText(a: Row, b: Row): number {
  return a.pattern < b.pattern ? -1 : a.pattern > b.pattern ? 1 : a.level < b.level ? -1 : 1
}
function byCount(a: Row, b: Row): number {
  return b.count - a.count || byText(a, b)
}
function byChange(a: Row, b: Row): number {
  return Math.abs(b.change ?? 0) - Math.abs(a.change ?? 0) || byCount(a, b)
}
function byPrevious(a: Row, b: Row): number {
  return (b.previous?.count ?? 0) - (a.previous?.count ?? 0) || byText(a, b)
}
