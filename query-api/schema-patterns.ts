/** The answers of /patterns and /fields; see schema.ts. */
import { Type } from 'typebox'
import { levels } from '../pipeline/record.ts'
import { oneOf, recordExample } from './schema.ts'

const time = Type.String({ description: 'ISO 8601, UTC, microseconds' })

const SampleStatement = Type.Object(
  {
    lines: Type.Integer({ description: 'lines that were looked at' }),
    of: Type.Integer({ description: 'lines that match' }),
    exact: Type.Boolean({ description: 'true = all lines were looked at, and counts are exact' }),
    stretches: Type.Integer({
      description:
        'stretches of time that the lines come from, in each some of its oldest; a line stands for as many as its stretch has lines for each that was looked at',
    }),
  },
  { description: 'what the counts are made from' },
)

const Example = Type.Object({
  id: Type.String(),
  time,
  cluster: Type.String(),
  app: Type.String(),
  instance: Type.String(),
  host: Type.String(),
  dir: Type.String(),
  file: Type.String(),
  message: Type.String({ description: 'its beginning' }),
})

const pattern = Type.String({ description: 'the shape: <num>, <ip> … for what is of that kind, <*> for any word' })
const query = Type.Union([Type.String(), Type.Null()], {
  description: 'q that finds all of its lines (and perhaps others); null when no word is in all of them',
})
const level = oneOf(levels)
const count = Type.Integer({ description: 'lines that it stands for' })
const share = Type.Number({ description: 'of all lines that match, 0 to 1' })
const lines = Type.Integer({ description: 'lines of it that were looked at' })

const { id, time: at, cluster, app, instance, host, dir, file, message } = recordExample
const patternExample = {
  pattern: '<time> [info] <num>#<num>: *<num> recv() failed (<num>: Connection reset by peer)',
  level: 'info',
  count: 1200,
  share: 0.6,
  lines: 120,
  first: at,
  last: at,
  query: '"Connection reset by peer" "recv failed" "info"',
  example: { id, time: at, cluster, app, instance, host, dir, file, message },
}
const sampleExample = { lines: 200, of: 2000, exact: false, stretches: 20 }

export const PatternsAnswer = Type.Object(
  {
    total: Type.Integer({ description: 'records that match' }),
    sample: SampleStatement,
    patterns: Type.Array(
      Type.Object({
        pattern,
        level,
        count,
        share,
        lines,
        first: Type.Union([time, Type.Null()]),
        last: Type.Union([time, Type.Null()]),
        query,
        example: Type.Optional(Example),
        new: Type.Optional(Type.Boolean({ description: 'none of the lines looked at in the range before is of it' })),
        previous: Type.Optional(Type.Object({ count, share, lines })),
        change: Type.Optional(Type.Number({ description: 'share now less share before' })),
      }),
    ),
    more: Type.Integer({ description: 'patterns beyond the limit' }),
    other: Type.Integer({ description: 'lines of shapes that came when there were too many' }),
    previous: Type.Optional(
      Type.Object({
        from: time,
        to: time,
        total: Type.Integer(),
        sample: SampleStatement,
        other: Type.Integer(),
        gone: Type.Array(
          Type.Object({
            pattern,
            level,
            query,
            count: Type.Optional(count),
            share: Type.Optional(share),
            lines: Type.Optional(lines),
            example: Type.Optional(Example),
          }),
          { description: 'patterns of the range before of which nothing was seen in this one' },
        ),
      }),
    ),
    tookMs: Type.Number(),
  },
  { examples: [{ total: 2000, sample: sampleExample, patterns: [patternExample], more: 3, other: 0, tookMs: 41 }] },
)

export const FieldsAnswer = Type.Object(
  {
    total: Type.Integer({ description: 'records that match' }),
    sample: SampleStatement,
    withFields: Type.Object({ count, share }, { description: 'records that have any field' }),
    fields: Type.Array(
      Type.Object({
        name: Type.String({ description: 'as q takes it behind fields. or a dot; names differ in more than case' }),
        type: oneOf(['number', 'boolean', 'time', 'text', 'mixed']),
        count,
        share,
        distinct: Type.Integer({ description: 'different values among the lines that were looked at' }),
        distinctMore: Type.Boolean({ description: 'true = there are more than were counted' }),
        values: Type.Array(Type.Object({ value: Type.String(), count }), { description: 'most frequent first' }),
      }),
    ),
    more: Type.Integer({ description: 'fields beyond the limit' }),
    tookMs: Type.Number(),
  },
  {
    examples: [
      {
        total: 2000,
        sample: sampleExample,
        withFields: { count: 1000, share: 0.5 },
        fields: [
          {
            name: 'status',
            type: 'number',
            count: 1000,
            share: 0.5,
            distinct: 2,
            distinctMore: false,
            values: [
              { value: '200', count: 900 },
              { value: '500', count: 100 },
            ],
          },
        ],
        more: 0,
        tookMs: 12,
      },
    ],
  },
)
