/** What goes over HTTP, once: the types of the handlers, the check of what clients send, and OpenAPI all come from here. */
import { type Static, type TProperties, type TSchema, Type } from 'typebox'
import { fileStateNames } from '../pipeline/bus.ts'
import { queryUnitsMax } from '../pipeline/query.ts'
import { clusterPattern, levels, timeOrigins } from '../pipeline/record.ts'
import { roles } from '../pipeline/token.ts'

export const searchLimitMax = 1000
export const contextEventsMax = 500
export const bucketsMax = 1000
/** Values of one filter in one request. */
export const filterValuesMax = 100

export function oneOf<const T extends readonly string[]>(values: T, more: object = {}) {
  return Type.Unsafe<T[number]>({ type: 'string', enum: [...values], ...more })
}

export function whole(minimum: number, maximum: number, fallback: number, description: string) {
  return Type.Integer({ minimum, maximum, default: fallback, description })
}

function anyOf(description: string, example: string) {
  const items = Type.String({ minLength: 1, maxLength: 1024 })
  return Type.Array(items, {
    description: `${description}; repeat it for any of several`,
    maxItems: filterValuesMax,
    examples: [[example]],
  })
}

const time = (description: string, example: string) =>
  Type.Optional(Type.String({ minLength: 1, maxLength: 64, description, examples: [example] }))

export const cluster = Type.String({
  pattern: clusterPattern.source,
  maxLength: 63,
  description: 'the cluster, for example default',
  examples: ['default'],
})

export const filterProperties = {
  app: Type.Optional(anyOf('application', '2048')),
  instance: Type.Optional(anyOf('instance (host name of the container)', '2048-5f9c')),
  dir: Type.Optional(anyOf('log directory, beginning with /', '/nginx')),
  file: Type.Optional(anyOf('file name', 'error.log')),
  host: Type.Optional(anyOf('machine', '10.3.11.18')),
}

export const commonProperties = {
  ...filterProperties,
  level: Type.Optional(
    Type.Array(oneOf(levels), {
      description: 'level; repeat it for any of several',
      maxItems: levels.length,
      examples: [['error', 'fatal']],
    }),
  ),
  q: Type.Optional(
    Type.String({
      maxLength: queryUnitsMax,
      description: 'what to look for, in the query language',
      examples: ['timeout level>=warn'],
    }),
  ),
  from: time(
    'from here on: ISO 8601, epoch milliseconds, now-15m, now/d … (default now-1d; of an export with format=raw the beginning)',
    'now-15m',
  ),
  to: time('up to before here, in the same forms (default: open)', 'now'),
  tz: Type.Optional(
    Type.String({
      minLength: 1,
      maxLength: 64,
      description: 'IANA zone of times that name none, and of now/d',
      examples: ['Asia/Shanghai'],
    }),
  ),
}

export const order = oneOf(['desc', 'asc'], { default: 'desc', description: 'desc = newest first' })
export const cursor = Type.Optional(
  Type.String({
    minLength: 1,
    maxLength: 512,
    description: 'goes on exactly behind the place that next of the page before names',
    examples: ['MS5kLjE0NjM0MDI4MzAwMDAwMDAuMDFqZDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAuMTgyMzMuMC54'],
  }),
)

export const series = Type.Optional(
  anyOf('log whose files have a date or a number in their names, without it', 'catalina.log'),
)
export const fold = Type.Optional(
  Type.Boolean({
    default: true,
    description:
      'an event that was published in parts is one result (`parts` has their ids); false = the records as they are',
  }),
)
/** How many lines of its file come with each hit. */
export function aroundProperties(most: number) {
  return {
    contextBefore: whole(0, most, 0, 'lines of its file before each hit, as grep -B'),
    contextAfter: whole(0, most, 0, 'lines of its file behind each hit, as grep -A'),
  }
}

/** Parameters by name. One with a default is always there for the handler, and need not be sent. */
export function parameters<T extends TProperties>(properties: T) {
  const schema = Type.Object(properties, { additionalProperties: false })
  const required = ((schema.required ?? []) as readonly string[]).filter(
    (name) => (properties[name] as TSchema & { default?: unknown }).default === undefined,
  )
  return Object.assign(schema, { required })
}

/** Who and where, for requests about one cluster. */
export const Common = { cluster, ...commonProperties }

export const recordExample = {
  v: 1,
  id: '01jd0000000000000000000000-18233',
  time: '2016-05-16T12:47:10.000000Z',
  timeFrom: 'line',
  readAt: '2016-05-16T12:47:10.412000Z',
  cluster: 'prod',
  app: '2048',
  instance: '2048-5f9c',
  host: '10.3.11.18',
  dir: '/nginx',
  file: 'error.log',
  generation: '01jd0000000000000000000000',
  offset: 18233,
  bytes: 181,
  level: 'info',
  message: '2016/05/16 20:47:10 [info] 9#0: *886 recv() failed (104: Connection reset by peer)',
}

const isoTime = Type.String({ description: 'ISO 8601, UTC, microseconds', examples: [recordExample.time] })

export const LogRecordSchema = Type.Object(
  {
    v: Type.Literal(1),
    id: Type.String({ description: '<generation>-<offset>; the same id always means the same content' }),
    time: isoTime,
    timeFrom: oneOf(timeOrigins),
    readAt: isoTime,
    cluster: Type.String(),
    app: Type.String(),
    instance: Type.String(),
    host: Type.String(),
    dir: Type.String(),
    file: Type.String(),
    generation: Type.String(),
    offset: Type.Integer({ description: 'byte offset in its incarnation of the file' }),
    bytes: Type.Integer({ description: 'length in the file with line ends' }),
    level: oneOf(levels),
    message: Type.String(),
    encoding: Type.Optional(Type.String()),
    continues: Type.Optional(Type.String({ description: 'id of the event that this one goes on from' })),
    raw: Type.Optional(
      Type.String({ description: 'base64 of the bytes in the file, where message does not give them back' }),
    ),
    fields: Type.Optional(
      Type.Record(Type.String(), Type.Array(Type.String()), { description: 'JSON or key=value pairs of the message' }),
    ),
    parts: Type.Optional(
      Type.Array(Type.String(), { description: 'ids of the records that continue it and were folded into it' }),
    ),
  },
  { examples: [recordExample, { ...recordExample, message: 'GET /x status=500', fields: { status: ['500'] } }] },
)

const levelCounts = Object.fromEntries(levels.map((level) => [level, Type.Optional(Type.Integer())]))

export const SearchAnswer = Type.Object(
  {
    records: Type.Array(LogRecordSchema),
    next: Type.Union([Type.String(), Type.Null()], { description: 'cursor of the next page, null at the end' }),
    groups: Type.Optional(
      Type.Array(
        Type.Object({
          records: Type.Array(LogRecordSchema, { description: 'of one file, ascending by place in it' }),
          hits: Type.Array(Type.Integer(), { description: 'which of these records are hits of this page' }),
        }),
        {
          description:
            'with contextBefore or contextAfter: the hits with the lines around them; what overlaps or touches is one group',
        },
      ),
    ),
    tookMs: Type.Number(),
    partial: Type.Optional(
      Type.Object(
        { coveredFrom: Type.Optional(isoTime), coveredTo: Type.Optional(isoTime) },
        {
          description:
            'searchTimeMsMax ended the search: what lies from coveredFrom on (order=desc) or before coveredTo (asc) has been searched, and next goes on from there',
        },
      ),
    ),
  },
  {
    examples: [
      { records: [recordExample], next: null, tookMs: 3 },
      { records: [recordExample], groups: [{ records: [recordExample], hits: [0] }], next: null, tookMs: 5 },
      { records: [], next: 'MS5k…', tookMs: 15_003, partial: { coveredFrom: recordExample.time } },
    ],
  },
)

export const HistogramAnswer = Type.Object(
  {
    bucketMs: Type.Number({ description: 'width of each bucket' }),
    total: Type.Integer(),
    buckets: Type.Array(
      Type.Object({
        time: Type.String({ description: 'start of the bucket, ISO 8601, UTC' }),
        count: Type.Integer(),
        levels: Type.Object(levelCounts, { description: 'counts by level; levels without any are left out' }),
      }),
    ),
  },
  {
    examples: [
      { bucketMs: 60_000, total: 3, buckets: [{ time: '2016-05-16T12:47:00.000000Z', count: 3, levels: { info: 3 } }] },
    ],
  },
)

export const ValuesAnswer = Type.Object(
  {
    values: Type.Array(
      Type.Object(
        { value: Type.String(), count: Type.Integer(), last: isoTime },
        { description: 'last = time of the newest' },
      ),
    ),
  },
  { examples: [{ values: [{ value: '2048', count: 120, last: recordExample.time }] }] },
)

export const ContextAnswer = Type.Object(
  { before: Type.Array(LogRecordSchema), record: LogRecordSchema, after: Type.Array(LogRecordSchema) },
  { examples: [{ before: [], record: recordExample, after: [] }] },
)

const fileExample = {
  cluster: 'prod',
  app: '2048',
  instance: '2048-5f9c',
  host: '10.3.11.18',
  dir: '/nginx',
  file: 'error.log',
  generation: '01jd0000000000000000000000',
  path: '/var/log/apps/2048/2048-5f9c/nginx/error.log',
  state: 'following',
  size: 18414,
  read: 18414,
  acknowledged: 18414,
  behind: 0,
  reached: '2016-05-16T12:39:58.300000Z',
  lost: 512,
  loss: {
    first: '2016-05-16T12:40:02.000000Z',
    last: '2016-05-16T12:40:02.000000Z',
    cause: 'truncated',
    atLeast: true,
  },
  updatedAt: '2016-05-16T12:47:10.412000Z',
}

export const FilesAnswer = Type.Object(
  {
    total: Type.Integer({ description: 'files that match, also beyond the limit' }),
    totals: Type.Object(
      {
        size: Type.Integer(),
        acknowledged: Type.Integer(),
        behind: Type.Integer(),
        lost: Type.Integer(),
        states: Type.Record(Type.String(), Type.Integer(), { description: 'files by state' }),
      },
      { description: 'bytes of all that match, also beyond the limit' },
    ),
    files: Type.Array(
      Type.Object({
        cluster: Type.String(),
        app: Type.String(),
        instance: Type.String(),
        host: Type.String(),
        dir: Type.String(),
        file: Type.String(),
        generation: Type.Optional(Type.String({ description: 'not there for what was never read' })),
        path: Type.String(),
        state: oneOf(fileStateNames, {
          description:
            'following = read to its end and being written; rotated = under another name than it was born with; skipped = never read, see reason',
        }),
        size: Type.Integer({ description: 'bytes' }),
        read: Type.Integer({ description: 'bytes' }),
        acknowledged: Type.Integer({ description: 'bytes that are durable behind the shipper' }),
        behind: Type.Integer({ description: 'bytes that are not yet durable behind the shipper' }),
        reached: Type.Optional(
          Type.String({
            description: 'time of the last event that is durable, UTC; what was lost stood behind it',
            examples: [recordExample.time],
          }),
        ),
        lost: Type.Integer({ description: 'bytes known lost' }),
        loss: Type.Optional(
          Type.Object(
            { first: isoTime, last: isoTime, cause: Type.String(), atLeast: Type.Boolean() },
            { description: 'when the first and the last were noticed, why; atLeast = more may be lost' },
          ),
        ),
        reason: Type.Optional(Type.String({ description: 'why it is not read: EACCES, excluded, a symbolic link …' })),
        warning: Type.Optional(
          Type.String({
            description: 'what looks wrong: zone looks 8 h off; or slows it: slowed by its quota: 1000 lines/s',
          }),
        ),
        updatedAt: isoTime,
      }),
    ),
  },
  {
    examples: [
      {
        total: 1,
        totals: { size: 18414, acknowledged: 18414, behind: 0, lost: 512, states: { following: 1 } },
        files: [fileExample],
      },
    ],
  },
)

export const HealthAnswer = Type.Object(
  {
    ready: Type.Boolean({ description: 'searches can be answered' }),
    parts: Type.Array(
      Type.Object({
        name: Type.String(),
        state: oneOf(['up', 'degraded', 'down']),
        detail: Type.Optional(Type.String()),
      }),
    ),
  },
  { examples: [{ ready: true, parts: [{ name: 'store', state: 'up' }] }] },
)

export const SessionAnswer = Type.Object(
  {
    name: Type.String({ description: 'of the caller' }),
    role: oneOf(roles),
    rights: Type.Boolean({ description: 'false where everybody who gets here is answered' }),
  },
  { examples: [{ name: 'alice', role: 'reader', rights: true }] },
)

const savedSearchProperties = {
  name: Type.String({
    minLength: 1,
    maxLength: 100,
    description: 'what people call it',
    examples: ['failed payments'],
  }),
  shared: Type.Optional(Type.Boolean({ default: false, description: 'others see it, who may see what it is about' })),
  ...Common,
}

/** What a client sends: the parameters of a search, as JSON. */
export const SavedSearchBody = parameters(savedSearchProperties)
export type SearchBody = Static<typeof SavedSearchBody>

const savedSearchExample = {
  id: 'kq3Xv0b2Gxo',
  version: 1,
  name: 'failed payments',
  shared: true,
  cluster: 'prod',
  app: ['order-service'],
  q: 'payment failed',
  from: 'now-1d',
  owner: 'alice',
  own: true,
  link: 's/kq3Xv0b2Gxo',
  createdAt: '2016-05-16T12:47:10.412Z',
  updatedAt: '2016-05-16T12:47:10.412Z',
}

export const SavedSearchAnswer = Type.Object(
  {
    ...savedSearchProperties,
    id: Type.String(),
    version: Type.Integer({ description: 'grows with every change' }),
    owner: Type.String(),
    own: Type.Boolean({ description: 'the caller is the owner' }),
    link: Type.String({ description: 'opens it on the page; relative to where the page is' }),
    createdAt: Type.String(),
    updatedAt: Type.String(),
  },
  { examples: [savedSearchExample] },
)

export const SavedSearchesAnswer = Type.Object(
  { searches: Type.Array(SavedSearchAnswer) },
  { examples: [{ searches: [savedSearchExample] }] },
)

export const ProblemAnswer = Type.Object(
  {
    type: Type.String({ description: 'urn:shiplog:problem:<code>' }),
    title: Type.String(),
    status: Type.Integer(),
    detail: Type.String(),
    hint: Type.String({ description: 'what to do about it' }),
    code: Type.String(),
    requestId: Type.String(),
    position: Type.Optional(
      Type.Object(
        { start: Type.Integer(), end: Type.Integer() },
        { description: 'where in q, UTF-16 units, end exclusive' },
      ),
    ),
    expected: Type.Optional(Type.String({ description: 'what could have stood there' })),
  },
  {
    description: 'RFC 9457',
    examples: [
      {
        type: 'urn:shiplog:problem:query-invalid',
        title: 'The request cannot be understood',
        status: 400,
        detail: 'the quote is not closed',
        hint: 'Expected a closing ".',
        code: 'QUERY_INVALID',
        requestId: 'req-1',
        position: { start: 0, end: 4 },
        expected: 'a closing "',
      },
    ],
  },
)

/** The answers of a route: its own for 200, problems for all else. */
export function answers(ok: TSchema, description: string, ...statuses: readonly number[]) {
  const problem = (text: string) => ({
    description: text,
    content: { 'application/problem+json': { schema: ProblemAnswer } },
  })
  return {
    200: { description, content: { 'application/json': { schema: ok } } },
    '4xx': problem('What was asked cannot be answered; detail and hint say why and what to do'),
    ...Object.fromEntries(statuses.map((status) => [status, problem(statusTexts[status] ?? 'Problem')])),
    '5xx': problem('The server cannot answer now'),
  }
}

const statusTexts: Readonly<Record<number, string>> = {
  400: 'A parameter is unknown, missing or cannot be understood',
  401: 'No token or session, or one that does not hold',
  403: 'Known, but not allowed; or the header that changes need is missing',
  404: 'Not there, or not shown to the caller',
  409: 'Somebody else has changed it since, or there are too many',
  422: 'searchTimeMsMax ended it before anything was known: narrow it',
  429: 'More than requestsPerMinuteMax, or than one client may have under way',
  503: 'The store cannot be reached, or the server is not ready',
}

/** The answers of a route that has nothing to say. */
export function done(description: string, ...statuses: readonly number[]) {
  const { 200: _, ...problems } = answers(Type.Null(), description, ...statuses)
  return { 204: Type.Null({ description }), ...problems }
}

/** The answers of a link. */
export function redirect(description: string, ...statuses: readonly number[]) {
  const { 200: _, ...problems } = answers(Type.Null(), description, ...statuses)
  return { 302: Type.Null({ description }), ...problems }
}

/** The answers of a route that hands out a file; by content type, how one begins. */
export function download(description: string, types: Readonly<Record<string, string>>, ...statuses: readonly number[]) {
  const content = Object.fromEntries(
    Object.entries(types).map(([type, example]) => [
      type.split(';')[0] as string,
      { schema: Type.String({ description: 'the file', examples: [example] }) },
    ]),
  )
  return { ...answers(Type.Null(), description, ...statuses), 200: { description, content } }
}
